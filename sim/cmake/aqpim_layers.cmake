# SPDX-License-Identifier: Apache-2.0
# Folders of C++ as layers: each names the folders that it uses, and the compiler finds the headers of no other one.

# aqpim_folder(<folder> [USES <folder>...] [TESTS_USE <folder>...]): what sources of <folder> may include: its headers and
# those of folders that it USES, which were declared before. Its tests may include those of TESTS_USE, too. Each has an
# include root of its own, include/<folder> of the build tree. The roots are AQPIM_ROOTS and AQPIM_TEST_ROOTS of <folder>.
function(aqpim_folder folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;TESTS_USE")
  set(root ${PROJECT_BINARY_DIR}/include)
  get_filename_component(parent ${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${root}/${folder}/${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${root}/${folder}/${folder} SYMBOLIC)
  foreach(used IN LISTS arg_USES)
    get_property(declared GLOBAL PROPERTY AQPIM_ROOTS_${used} SET)
    if(NOT declared)
      message(FATAL_ERROR "${folder} may use folders that are declared before it, not ${used}")
    endif()
  endforeach()
  set(roots ${folder} ${arg_USES})
  list(TRANSFORM roots PREPEND ${root}/)
  list(TRANSFORM arg_TESTS_USE PREPEND ${root}/)
  set_property(GLOBAL PROPERTY AQPIM_ROOTS_${folder} ${roots})
  set_property(GLOBAL PROPERTY AQPIM_TEST_ROOTS_${folder} ${roots} ${arg_TESTS_USE})
endfunction()

# aqpim_layer(<folder> [USES <folder>...] [TESTS_USE <folder>...] [LINKS <target>...] [SOURCES <file>...])
#
# An aqpim_folder() whose *.cpp, without *_test.cpp and *_bench.cpp, and SOURCES become the static library aqpim_<folder>
# ('_' for '/'), linked to the libraries of what it USES and to LINKS.
function(aqpim_layer folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;TESTS_USE;LINKS;SOURCES")
  aqpim_folder(${folder} USES ${arg_USES} TESTS_USE ${arg_TESTS_USE})
  string(REPLACE "/" "_" library aqpim_${folder})
  set(used ${arg_USES})
  list(REVERSE used)
  list(TRANSFORM used PREPEND aqpim_)
  list(TRANSFORM used REPLACE "/" "_")
  set(links ${used} ${arg_LINKS} aqpim_options)
  set_property(GLOBAL APPEND PROPERTY AQPIM_LAYERS ${library})

  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$")
  if(NOT sources)
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE ${links})
    return()
  endif()
  add_library(${library} STATIC ${sources} ${arg_SOURCES})
  get_property(roots GLOBAL PROPERTY AQPIM_ROOTS_${folder})
  target_include_directories(${library} PRIVATE ${roots})
  target_link_libraries(${library} PUBLIC ${links})
  if(folder MATCHES "^sw/" AND NOT AQPIM_SANITIZE)
    # A program that has all of the layer, to see that it needs nothing but what it is linked to. One build tree will do.
    add_executable(linked_${library} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/sim/cmake/linked.cpp)
    target_link_libraries(linked_${library} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${library}>)
    set_property(TARGET linked_${library} PROPERTY RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/linked)
    set_property(GLOBAL APPEND PROPERTY AQPIM_LINKED linked_${library})
  endif()
endfunction()

# aqpim_link_layers(<target> <source>...): links all layers to a program of these sources, tests or generated ones, which
# include what tests of their folders may.
function(aqpim_link_layers target)
  aqpim_find_headers(${ARGN})
  get_property(layers GLOBAL PROPERTY AQPIM_LAYERS)
  get_property(linked GLOBAL PROPERTY AQPIM_LINKED)
  list(REVERSE layers)
  target_link_libraries(${target} PRIVATE ${layers} aqpim_options)
  if(linked)
    add_dependencies(${target} ${linked})
  endif()
endfunction()

function(aqpim_find_headers)
  foreach(source IN LISTS ARGN)
    get_filename_component(folder ${source} ABSOLUTE)
    cmake_path(GET folder PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(REGEX REPLACE ".*generated/" "" folder ${folder})
    get_property(roots GLOBAL PROPERTY AQPIM_TEST_ROOTS_${folder})
    set_property(SOURCE ${source} PROPERTY INCLUDE_DIRECTORIES ${roots})
  endforeach()
endfunction()
