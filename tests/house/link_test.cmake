# Each library of the project links whole, against nothing but what it declares: what it uses and does not declare is
# an undefined symbol.
get_property(libraries GLOBAL PROPERTY STRATA_LIBRARIES)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/link_main.cc "int main() {}\n")
foreach(library ${libraries})
  string(REPLACE strata_ link_ target ${library})
  add_executable(${target} EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/link_main.cc)
  target_link_libraries(${target} PRIVATE
    -Wl,--whole-archive $<TARGET_FILE:${library}> -Wl,--no-whole-archive ${library})
  add_dependencies(${target} ${library})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/link)
  add_test(NAME house_${target}
           COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target ${target})
  # One at a time: each builds in the same folder.
  set_tests_properties(house_${target} PROPERTIES LABELS house TIMEOUT 600 RESOURCE_LOCK build_folder)
endforeach()
