// SPDX-License-Identifier: Apache-2.0
//
// What is made of the JSON of a run: tables, CSV, Markdown, pictures and an HTML page, by the
// Python package aqpim_report (python/, docs/reports.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace aqpim::report {

// The parts of a report.
struct Wanted {
  bool files = false;               // the other files beside each JSON
  bool table = false;               // the text that the terminal shows
  std::filesystem::path html = {};  // one page of all runs; empty: none
};

struct Pages {
  std::string left_out;  // a line on what there is not for want of Python, matplotlib or Jinja2
  std::string table;     // what the terminal shows
};

// Lets the package make them of these JSON files.
//
// Python is the command in the environment variable AQPIM_PYTHON, or python3. The package is in the
// folder that AQPIM_REPORT names, or else in this checkout, or in python/ or share/aqpim/ of a
// folder that the program is in. Throws InputError if a file cannot be written, std::runtime_error
// if the package fails.
Pages make_pages(const std::vector<std::filesystem::path>& runs, const Wanted& wanted);

// The text of the Markdown file `page`, in which the text of `tables` replaces what stands between
// the two marker lines of `command`:
//   <!-- tables of aqpim COMMAND: begin -->
//   <!-- tables of aqpim COMMAND: end -->
// Throws InputError if there is not one pair of them, or no Python.
std::string with_tables(const std::filesystem::path& page, const std::string& command,
                        const std::filesystem::path& tables);

}  // namespace aqpim::report
