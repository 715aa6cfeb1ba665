// SPDX-License-Identifier: Apache-2.0
#include "app/one_report.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/files.h"
#include "sw/report/json_parts.h"
#include "sw/report/pages.h"

namespace aqpim::app {

void check_page(const OneReport& report, const std::string& page) {
  if (!page.empty()) report::with_tables(page, report.name, "/dev/null");
}

void write_report(const OneReport& report, const nlohmann::ordered_json& json,
                  report::ResultFolder& folder, const std::string& page) {
  const std::filesystem::path file = folder.file((report.name + ".json").c_str());
  write_file(file, report::json_text(json));
  const report::Pages pages = report::make_pages(
      {file}, {.files = true, .table = true, .html = folder.file("report.html")});
  folder.commit(report.files);
  if (!page.empty()) {
    write_file(page,
               report::with_tables(page, report.name, folder.folder() / (report.name + ".md")));
  }
  fmt::print("{}{}\nresults in {}\n", pages.left_out, pages.table, folder.folder().string());
}

}  // namespace aqpim::app
