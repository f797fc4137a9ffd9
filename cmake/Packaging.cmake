# A Debian package of what cmake --install installs: `cpack --config build/release/CPackConfig.cmake -B build/package`
# writes build/package/strata_<version>_<architecture>.deb. Everything is below /opt/strata: the drop-in library and the
# shell have the names of the distribution's, and are for programs that are pointed to them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME strata)
set(CPACK_PACKAGE_CONTACT "The Strata authors <strata@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Write-ahead log and segment storage engine for SQLite")
set(CPACK_PACKAGING_INSTALL_PREFIX /opt/strata)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_STRIP_FILES ON)
include(CPack)
