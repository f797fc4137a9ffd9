# strata_library(NAME SOURCES … DEPENDS …): one static library per folder, linked against just what it
# declares. The same call registers the library for the link test (tests/house/link_test.cmake), which links
# each one whole and alone.

function(strata_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(strata_${name} STATIC ${ARG_SOURCES})
  target_include_directories(strata_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_options(strata_${name} PRIVATE ${STRATA_WARNINGS})
  target_link_libraries(strata_${name} PUBLIC ${ARG_DEPENDS})
  if(STRATA_UNITY STREQUAL "all")
    strata_unity(strata_${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY STRATA_LIBRARIES strata_${name})
endfunction()

# The sources of a target are compiled as one, the headers of Abseil, GoogleTest and the like read once: half to a
# quarter of the time. Names in anonymous namespaces have to differ in it, or the file has SKIP_UNITY_BUILD_INCLUSION.
# strata_unity(TARGET [files]): so many files as one; all, when not said.
function(strata_unity target)
  if(ARGC EQUAL 1)
    set(ARGV1 0)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${ARGV1})
endfunction()

# What the builds with sanitizers need.
add_custom_target(strata_unit_tests)
add_custom_target(strata_concurrent_tests)

# strata_test(NAME SOURCES … DEPENDS … [LABELS …] [TIMEOUT seconds]): a GoogleTest program, registered with CTest as
# one test. Labels: unit (the default), concurrent, crash; sqlite, testfixture, house and fuzz are those of others.
function(strata_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  # What is tested is in libraries; to optimize the tests themselves takes longer than it saves.
  target_compile_options(${name} PRIVATE ${STRATA_WARNINGS} $<$<CONFIG:Release>:-O1>)
  if(STRATA_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  if(STRATA_UNITY)
    strata_unity(${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  foreach(label unit concurrent)
    if(label IN_LIST ARG_LABELS)
      add_dependencies(strata_${label}_tests ${name})
    endif()
  endforeach()
endfunction()
