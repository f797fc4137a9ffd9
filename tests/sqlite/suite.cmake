# SQLite's own suite on Strata, beside stock SQLite. Needs the testfixtures of tools/build_testfixture, which the fixture
# test makes: about 3 minutes the first time, seconds after.
add_test(NAME sqlite_testfixture
         COMMAND ${PROJECT_SOURCE_DIR}/tools/build_testfixture ${CMAKE_BINARY_DIR} --engine
                 $<TARGET_FILE:strata_engine_module>)
set_tests_properties(sqlite_testfixture PROPERTIES FIXTURES_SETUP testfixture LABELS testfixture TIMEOUT 1800)

foreach(wal builtin strata)
  add_test(NAME sqlite_wal_permutation_${wal}
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/permutation_test.sh ${CMAKE_BINARY_DIR} wal ${wal})
  set_tests_properties(sqlite_wal_permutation_${wal} PROPERTIES
                       FIXTURES_REQUIRED testfixture LABELS testfixture TIMEOUT 600)
endforeach()

# The files that a log is most likely to break; `suite.py --all` runs every file.
add_test(NAME sqlite_suite_slice
         COMMAND ${SYSTEM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/suite.py --build ${CMAKE_BINARY_DIR}
                 --exceptions ${CMAKE_CURRENT_SOURCE_DIR}/suite_exceptions
                 backup.test delete.test e_vacuum.test incrvacuum3.test index.test insert.test pager2.test savepoint.test
                 select1.test trans.test update.test vacuum.test wal8.test walbig.test walshared.test)
set_tests_properties(sqlite_suite_slice PROPERTIES FIXTURES_REQUIRED testfixture LABELS testfixture TIMEOUT 900)
