# cmake --install: the drop-in library and its shell, and libstrata.a with the injected sqlite3.c for programs that
# bundle SQLite.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# libstrata.a: everything between SQLite's interface and the libraries of the distribution, in one archive.
set(STRATA_ARCHIVE ${CMAKE_BINARY_DIR}/lib/libstrata.a)
set(archived strata_sqlite)
if(TARGET strata_engine)
  list(APPEND archived strata_engine strata_wal strata_segment strata_io)
endif()
set(script "CREATE ${STRATA_ARCHIVE}\n")
foreach(library ${archived})
  string(APPEND script "ADDLIB $<TARGET_FILE:${library}>\n")
endforeach()
string(APPEND script "SAVE\nEND\n")
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/libstrata.mri CONTENT "${script}")
add_custom_command(
  OUTPUT ${STRATA_ARCHIVE}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${STRATA_ARCHIVE}
  COMMAND sh -c "\"${CMAKE_AR}\" -M < \"${CMAKE_CURRENT_BINARY_DIR}/libstrata.mri\""
  DEPENDS ${archived} ${CMAKE_CURRENT_BINARY_DIR}/libstrata.mri
  VERBATIM)
add_custom_target(strata_archive ALL DEPENDS ${STRATA_ARCHIVE})

set(STRATA_VERSION ${PROJECT_VERSION})
set(STRATA_PKG_REQUIRES "")
set(STRATA_ENGINE_LINK "")
if(TARGET strata_engine)
  set(STRATA_PKG_REQUIRES
      "absl_flat_hash_map absl_flat_hash_set absl_inlined_vector absl_span absl_status absl_statusor absl_strings \
absl_synchronization absl_time libzstd libxxhash libisal")
  set(STRATA_ENGINE_LINK "-Wl,-u,strata_engine_methods") # SQLite's own reference to it is weak
endif()
# From the folder of strata.pc: an install can go elsewhere than was configured (--prefix), and be moved.
file(RELATIVE_PATH STRATA_PKG_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(strata.pc.in ${CMAKE_CURRENT_BINARY_DIR}/strata.pc @ONLY)
configure_package_config_file(strataConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/strataConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/strata
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/strataConfigVersion.cmake
                                 VERSION ${STRATA_VERSION} COMPATIBILITY SameMinorVersion)

install(TARGETS strata_sqlite_shared strata_sqlite_shell
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${STRATA_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${GENERATED}/include/sqlite3.h ${GENERATED}/include/sqlite3ext.h virtual_wal.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/strata)
install(FILES ${GENERATED}/bundle/sqlite3.c ${GENERATED}/include/sqlite3.h
        DESTINATION ${CMAKE_INSTALL_DATADIR}/strata)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/strata.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/strataConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/strataConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/strata)
