# What the fork ships: the drop-in library, the shell, and stock builds of both to compare with.

function(strata_drop_in target name library)
  add_library(${target} SHARED $<TARGET_OBJECTS:${library}>)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} VERSION 0.8.6 SOVERSION 0 LINKER_LANGUAGE C
    LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/exports.map)
  target_link_options(${target} PRIVATE LINKER:--version-script=${CMAKE_CURRENT_SOURCE_DIR}/exports.map)
  if(NOT STRATA_SANITIZE) # a sanitizer's symbols come with the program
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS} m)
endfunction()

strata_drop_in(strata_sqlite_shared sqlite3 strata_sqlite)
strata_link_engine(strata_sqlite_shared)
strata_drop_in(strata_sqlite_stock_shared sqlite3-stock strata_sqlite_stock)

find_path(READLINE_INCLUDE readline/readline.h)
find_library(READLINE_LIBRARY readline)

function(strata_sqlite_shell target name)
  add_executable(${target} ${SQLITE_SOURCE}/shell.c)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} C_EXTENSIONS ON)
  target_compile_options(${target} PRIVATE -w)
  target_include_directories(${target} SYSTEM PRIVATE ${GENERATED}/include)
  target_compile_definitions(${target} PRIVATE ${STRATA_SQLITE_DEFINITIONS} ${SQLITE_PARSER_DEFINITIONS}
    SQLITE_ENABLE_EXPLAIN_COMMENTS SQLITE_ENABLE_DBPAGE_VTAB)
  if(READLINE_INCLUDE AND READLINE_LIBRARY)
    target_compile_definitions(${target} PRIVATE HAVE_READLINE=1)
    target_link_libraries(${target} PRIVATE ${READLINE_LIBRARY})
  endif()
endfunction()

strata_sqlite_shell(strata_sqlite_shell sqlite3)
target_link_libraries(strata_sqlite_shell PRIVATE strata_sqlite)
strata_link_engine(strata_sqlite_shell)
strata_sqlite_shell(strata_sqlite_stock_shell sqlite3-stock)
target_link_libraries(strata_sqlite_stock_shell PRIVATE strata_sqlite_stock)
