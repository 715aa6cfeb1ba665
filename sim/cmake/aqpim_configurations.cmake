# SPDX-License-Identifier: Apache-2.0
# AQPIM_CONFIG_FOLDER/*.json -> AQPIM_CONFIGURATIONS (names of the legal ones), AQPIM_PARAMETERS_<name> (list of Key=Value,
# parameters of pq_engine), AQPIM_MEMORIES (names of the legal ones of configs/memory/*.json), AQPIM_SHAPES (what
# sim/shapes.cpp prints of both) and generated/sw/config/embedded.cpp, which carries these files and those of
# configs/memory, baseline, model and node into the binary, legal or not.
macro(aqpim_read_configurations)
  execute_process(
    COMMAND ${PROJECT_SOURCE_DIR}/sim/shapes.sh write ${AQPIM_CONFIG_FOLDER} ${PROJECT_SOURCE_DIR}/configs/memory
    OUTPUT_VARIABLE AQPIM_SHAPES COMMAND_ERROR_IS_FATAL ANY)
  aqpim_embed(ENTRIES AQPIM_CONFIGURATIONS ${AQPIM_CONFIG_FOLDER} "${AQPIM_CONFIGS}" configurations)
  foreach(name IN LISTS AQPIM_CONFIGURATIONS)
    aqpim_shape_parameters(AQPIM_PARAMETERS_${name} configurations ${name} engine)
  endforeach()
  set(folder ${PROJECT_SOURCE_DIR}/configs)
  aqpim_embed(MEMORIES AQPIM_MEMORIES ${folder}/memory "" memories)
  aqpim_embed(BASELINES AQPIM_BASELINES ${folder}/baseline "" baselines)
  aqpim_embed(MODELS AQPIM_LANGUAGE_MODELS ${folder}/model "" models)
  aqpim_embed(NODES AQPIM_NODES ${folder}/node "" nodes)
  configure_file(${PROJECT_SOURCE_DIR}/sw/config/embedded.cpp.in
    ${PROJECT_BINARY_DIR}/generated/sw/config/embedded.cpp @ONLY)
endmacro()

# The entries of <folder>/*.json in the embedding source, of those in the list <wanted> if there is one, and the names of
# those that are not refused in the <kind> of AQPIM_SHAPES. Names that no target can have are left out.
function(aqpim_embed result result_names folder wanted kind)
  set(entries)
  set(names)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.json)
  list(SORT files)
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WLE)
    if((wanted AND NOT name IN_LIST wanted) OR NOT name MATCHES "^[A-Za-z0-9._-]+$")
      continue()
    endif()
    file(READ ${file} text)
    string(APPEND entries "      {\"${name}\", R\"json(${text})json\"},\n")
    aqpim_shape_refused(refused ${kind} ${name})
    if(NOT refused)
      list(APPEND names ${name})
    endif()
  endforeach()
  set(${result} "${entries}" PARENT_SCOPE)
  set(${result_names} ${names} PARENT_SCOPE)
endfunction()

# Why a part of AQPIM_SHAPES, named by the keys to it, is refused; empty if it is not.
function(aqpim_shape_refused result)
  string(JSON sentence ERROR_VARIABLE error GET "${AQPIM_SHAPES}" ${ARGN} refused)
  if(error)
    set(sentence "")
  endif()
  set(${result} "${sentence}" PARENT_SCOPE)
endfunction()

# Key=Value of the members of a part of AQPIM_SHAPES, named by the keys to it; a bit is 1'b0 or 1'b1.
function(aqpim_shape_parameters result)
  string(JSON object GET "${AQPIM_SHAPES}" ${ARGN})
  string(JSON count LENGTH "${object}")
  set(parameters)
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    string(JSON key MEMBER "${object}" ${index})
    string(JSON value GET "${object}" ${key})
    string(JSON type TYPE "${object}" ${key})
    if(type STREQUAL "BOOLEAN")
      string(REPLACE "ON" "1'b1" value ${value})
      string(REPLACE "OFF" "1'b0" value ${value})
    endif()
    list(APPEND parameters ${key}=${value})
  endforeach()
  set(${result} ${parameters} PARENT_SCOPE)
endfunction()

# The parameter Memory, a pq_pkg::memory_t, of a memory's members Key=Value in any order: 32 bits for each, the first one of
# the record highest.
function(aqpim_memory_parameter result)
  string(JSON count LENGTH "${AQPIM_SHAPES}" memory_t)
  math(EXPR bits "32 * ${count}")
  math(EXPR last "${count} - 1")
  set(digits)
  foreach(index RANGE ${last})
    string(JSON name GET "${AQPIM_SHAPES}" memory_t ${index})
    set(value ${ARGN})
    list(FILTER value INCLUDE REGEX "^${name}=")
    string(REGEX REPLACE ".*=" "" value ${value})
    math(EXPR value "(1 << 32) + ${value}" OUTPUT_FORMAT HEXADECIMAL)
    string(SUBSTRING ${value} 3 8 value)
    string(APPEND digits ${value})
  endforeach()
  set(${result} "Memory=${bits}'h${digits}" PARENT_SCOPE)
endfunction()

# Replaces entries of the list <name> by the Key=Value that follow.
function(aqpim_replace_parameters name)
  set(entries ${${name}})
  foreach(entry IN LISTS ARGN)
    string(REGEX REPLACE "=.*" "" key ${entry})
    list(TRANSFORM entries REPLACE "^${key}=.*" ${entry})
  endforeach()
  set(${name} ${entries} PARENT_SCOPE)
endfunction()
