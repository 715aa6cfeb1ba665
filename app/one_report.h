// SPDX-License-Identifier: Apache-2.0
//
// What commands have in common that make one report, NAME.json, whose tables may go into a page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sw/report/result_folder.h"

namespace aqpim::app {

struct OneReport {
  std::string name;                // of the command, of its JSON and of its tables, NAME.md
  std::vector<const char*> files;  // all of a run
};

// Before the work: throws InputError if `page`, unless it is empty, has no place for the tables.
void check_page(const OneReport& report, const std::string& page);

// Writes the JSON and what is made of it, puts the tables into the page, and prints them.
void write_report(const OneReport& report, const nlohmann::ordered_json& json,
                  report::ResultFolder& folder, const std::string& page);

}  // namespace aqpim::app
