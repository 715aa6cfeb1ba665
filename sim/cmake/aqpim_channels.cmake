# SPDX-License-Identifier: Apache-2.0
# Models of pseudo-channels: the engines of a configuration next to the memory of configs/memory/NAME.json.

# The value of <key> in a list of Key=Value.
function(aqpim_parameter result key)
  set(entries ${ARGN})
  list(FILTER entries INCLUDE REGEX "^${key}=")
  list(TRANSFORM entries REPLACE "^${key}=" "")
  set(${result} ${entries} PARENT_SCOPE)
endfunction()

# aqpim_channel_module(<name>): the library channel_model_<name> is a module that tb/channel/channel_module.h finds.
function(aqpim_channel_module name)
  set_target_properties(channel_model_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/channels CXX_VISIBILITY_PRESET hidden)
endfunction()

# aqpim_channel(<group> <name> CONFIG <configuration> MEMORY <memory> BANKS_PER_ENGINE <1 or 2> [FLAT] [MODULE] [WAVES]
#               [PARAMS Key=Value ...] [UNTOLD Key=Value ...])
#
# Verilates a pseudo-channel for the group: a pq_sequencer and one pq_bank_engine, or, FLAT, a pq_channel. It is linked
# to whoever links the group or, MODULE, loaded by tb/channel/channel_module.h when it is wanted: target
# channel_model_<name>. WAVES: it can be traced. PARAMS replace members of the memory's table. Of UNTOLD ones the group's
# list does not speak, so that the RTL disagrees with the test bench.
function(aqpim_channel group name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "FLAT;MODULE;WAVES" "CONFIG;MEMORY;BANKS_PER_ENGINE" "PARAMS;UNTOLD")
  set(shape channels ${arg_MEMORY} ${arg_CONFIG} ${arg_BANKS_PER_ENGINE})
  aqpim_shape_refused(refused ${shape})
  if(refused OR NOT arg_MEMORY IN_LIST AQPIM_MEMORIES)
    return()
  endif()
  if(arg_FLAT)
    aqpim_shape_parameters(parameters ${shape} modules pq_channel)
  else()
    aqpim_shape_parameters(parameters ${shape} modules pq_sequencer)
  endif()
  aqpim_shape_parameters(told memories ${arg_MEMORY} parameters)
  aqpim_replace_parameters(told ${arg_PARAMS})
  set(members ${told})
  aqpim_replace_parameters(members ${arg_UNTOLD})
  aqpim_memory_parameter(memory ${members})
  aqpim_replace_parameters(parameters ${memory})

  set(tops)
  if(arg_FLAT)
    set(tops channel-${name})
    # Compiling so many engines takes longer than what is to be simulated with them.
    aqpim_verilate(channel-${name} TOP pq_channel PARAMS ${parameters} OPTIMIZATION -O0)
  else()
    set(tops sequencer-${name} bank-${arg_CONFIG}-${arg_BANKS_PER_ENGINE})
    # For modules, as fast as code that is linked.
    set(options CXX_FLAGS -fPIC -fvisibility=hidden)
    if(arg_WAVES)
      list(APPEND options WAVES)
    endif()
    aqpim_verilate(sequencer-${name} TOP pq_sequencer PARAMS ${parameters} ${options})
    if(NOT TARGET verilated_bank-${arg_CONFIG}-${arg_BANKS_PER_ENGINE})
      aqpim_shape_parameters(engine ${shape} modules pq_bank_engine)
      aqpim_verilate(bank-${arg_CONFIG}-${arg_BANKS_PER_ENGINE} TOP pq_bank_engine PARAMS ${engine} ${options})
    endif()
  endif()

  set(NAME ${name})
  string(MAKE_C_IDENTIFIER channel_${name} PREFIX)
  set(INCLUDES)
  set(headers)
  set(classes)
  foreach(top IN LISTS tops)
    if(NOT TARGET verilated_${top})
      return()
    endif()
    string(MAKE_C_IDENTIFIER V${top} class)
    list(APPEND classes ${class})
    string(APPEND INCLUDES "#include \"${class}.h\"\n")
    list(APPEND headers ${AQPIM_MODELS_FROM}/verilated/${top}/${class}.h)
  endforeach()
  list(JOIN classes ", " classes)
  if(arg_FLAT)
    string(APPEND INCLUDES "#include \"tb/channel/flat_channel.h\"\n")
    set(CLASS "FlatChannel<${classes}>")
  else()
    string(APPEND INCLUDES "#include \"tb/channel/composed_channel.h\"\n")
    set(CLASS "ComposedChannel<${classes}>")
  endif()
  set(kind model)
  if(arg_MODULE)
    set(kind module)
  endif()
  set(source ${PROJECT_BINARY_DIR}/generated/tb/channel/${kind}_${PREFIX}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tb/channel/${kind}.cpp.in ${source} @ONLY)
  aqpim_find_headers(${source})
  # The models' headers exist only after they were verilated.
  set_property(SOURCE ${source} APPEND PROPERTY OBJECT_DEPENDS ${headers})

  set(function "std::unique_ptr<ChannelModel> make_${PREFIX}(const config::ChannelShape& shape)")
  if(arg_MODULE)
    list(TRANSFORM tops PREPEND verilated_)
    add_library(channel_model_${name} MODULE EXCLUDE_FROM_ALL ${source})
    aqpim_channel_module(${name})
    target_compile_definitions(channel_model_${name} PRIVATE AQPIM_CHANNEL_INTERFACE="${AQPIM_CHANNEL_INTERFACE}")
    target_link_libraries(channel_model_${name} PRIVATE ${tops} aqpim_options)
    # Verilator's run-time library in the program is not this one.
    target_link_options(channel_model_${name} PRIVATE LINKER:--exclude-libs,ALL)
    set(function "${function} { return make_from_module(\"${name}\", shape); }")
  else()
    set_property(GLOBAL APPEND PROPERTY AQPIM_CHANNEL_SOURCES_${group} ${source})
    set_property(GLOBAL APPEND PROPERTY AQPIM_CHANNEL_MODELS_${group} ${tops})
    set(function "${function};")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY AQPIM_CHANNEL_FUNCTIONS_${group} "${function}\n")

  foreach(key PowerLimited Ranks BankGroups BanksPerGroup nREFI)
    aqpim_parameter(${key} ${key} ${told})
  endforeach()
  set_property(GLOBAL APPEND_STRING PROPERTY AQPIM_CHANNEL_ENTRIES_${group}
    "      {\"${name}\", \"${arg_CONFIG}\", \"${arg_MEMORY}\", ${arg_BANKS_PER_ENGINE}, ${PowerLimited} != 0, ${Ranks}, ${BankGroups}, ${BanksPerGroup}, ${nREFI}, &make_${PREFIX}},\n")
endfunction()

# aqpim_channel_registry(<group> <function> <header> <result sources> <result models>): the sources that define the
# group's list, `std::span<const ChannelBuild> <function>()`, which the header declares, and the models to link.
function(aqpim_channel_registry group FUNCTION HEADER result_sources result_models)
  get_property(sources GLOBAL PROPERTY AQPIM_CHANNEL_SOURCES_${group})
  get_property(tops GLOBAL PROPERTY AQPIM_CHANNEL_MODELS_${group})
  get_property(FUNCTIONS GLOBAL PROPERTY AQPIM_CHANNEL_FUNCTIONS_${group})
  get_property(ENTRIES GLOBAL PROPERTY AQPIM_CHANNEL_ENTRIES_${group})
  set(source ${PROJECT_BINARY_DIR}/generated/tb/channel/${FUNCTION}.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tb/channel/model_registry.cpp.in ${source} @ONLY)
  aqpim_find_headers(${source})
  list(REMOVE_DUPLICATES tops)
  list(TRANSFORM tops PREPEND verilated_)
  set(${result_sources} ${sources} ${source} PARENT_SCOPE)
  set(${result_models} ${tops} PARENT_SCOPE)
endfunction()

# The library aqpim_channel_models: the list of each configuration that fits, next to one bank and to two, with each memory
# of configs/memory, with its power limit and without. Each is a module. Targets, which build nothing where nothing fits:
#   channel_NAME-BANKS[-MEMORY]   configuration NAME with a power limit, and with AQPIM_MEMORY if no other one is named
#   channels_NAME[-MEMORY]        all of configuration NAME
function(aqpim_channel_models)
  # What a program and its modules share.
  set(digests)
  foreach(header sw/config/channel.h sw/config/config.h sw/config/memory.h sw/golden/host_command.h
          tb/channel/channel_model.h tb/channel/channel_module.h)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
    file(SHA256 ${PROJECT_SOURCE_DIR}/${header} digest)
    string(APPEND digests ${digest})
  endforeach()
  string(SHA256 AQPIM_CHANNEL_INTERFACE ${digests})
  target_compile_definitions(aqpim_tb_channel PRIVATE
    AQPIM_CHANNEL_INTERFACE="${AQPIM_CHANNEL_INTERFACE}" AQPIM_CHANNEL_TREE="${PROJECT_BINARY_DIR}")

  set_property(TARGET verilator_runtime PROPERTY POSITION_INDEPENDENT_CODE ON)
  foreach(memory IN LISTS AQPIM_MEMORIES)
    set(suffix -${memory})
    if(memory STREQUAL AQPIM_MEMORY)
      set(suffix "")
    endif()
    foreach(configuration IN LISTS AQPIM_CONFIGURATIONS)
      add_custom_target(channels_${configuration}${suffix})
      foreach(banks 1 2)
        set(name ${configuration}-${banks}${suffix})
        set(unlimited ${configuration}-${banks}-unlimited${suffix})
        add_custom_target(channel_${name})
        aqpim_shape_refused(refused channels ${memory} ${configuration} ${banks})
        if(NOT refused)
          set(channel CONFIG ${configuration} MEMORY ${memory} BANKS_PER_ENGINE ${banks} MODULE WAVES)
          aqpim_channel(product ${name} ${channel})
          aqpim_channel(product ${unlimited} ${channel} PARAMS PowerLimited=0)
          add_dependencies(channel_${name} channel_model_${name})
          add_dependencies(channels_${configuration}${suffix} channel_model_${name} channel_model_${unlimited})
        endif()
      endforeach()
    endforeach()
  endforeach()
  aqpim_channel_registry(product channel_builds tb/channel/channel_models.h sources models)
  add_library(aqpim_channel_models STATIC EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(aqpim_channel_models PUBLIC aqpim_tb_channel aqpim_options)
endfunction()
