# SPDX-License-Identifier: Apache-2.0
# One adapter per configuration whose model is verilated_<stem>NAME, from tb/<layer>/model.cpp.in, which sees
#   @PREFIX@ the class and header of the model, e.g. Vpq8_d64      @NAME@ the configuration, e.g. pq8-d64
# and has to define `std::unique_ptr<class> make_@PREFIX@();`, and one list of them from
# tb/<layer>/model_registry.cpp.in, which sees
#   @DECLARATIONS@ these functions' declarations                    @ENTRIES@ lines {"NAME", &make_PREFIX},
function(aqpim_models layer class stem result_sources result_models)
  set(sources)
  set(models)
  set(DECLARATIONS)
  set(ENTRIES)
  foreach(NAME IN LISTS AQPIM_CONFIGURATIONS)
    set(model ${stem}${NAME})
    if(NOT TARGET verilated_${model})
      continue()
    endif()
    string(MAKE_C_IDENTIFIER V${model} PREFIX)
    set(source ${PROJECT_BINARY_DIR}/generated/tb/${layer}/model_${PREFIX}.cpp)
    configure_file(${PROJECT_SOURCE_DIR}/tb/${layer}/model.cpp.in ${source} @ONLY)
    # The model's header exists only after it was verilated.
    set_property(SOURCE ${source} APPEND PROPERTY
      OBJECT_DEPENDS ${AQPIM_MODELS_FROM}/verilated/${model}/${PREFIX}.h)
    list(APPEND sources ${source})
    list(APPEND models verilated_${model})
    string(APPEND DECLARATIONS "std::unique_ptr<${class}> make_${PREFIX}();\n")
    string(APPEND ENTRIES "      {\"${NAME}\", &make_${PREFIX}},\n")
  endforeach()
  set(source ${PROJECT_BINARY_DIR}/generated/tb/${layer}/model_registry.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/tb/${layer}/model_registry.cpp.in ${source} @ONLY)
  set(${result_sources} ${sources} ${source} PARENT_SCOPE)
  set(${result_models} ${models} PARENT_SCOPE)
endfunction()
