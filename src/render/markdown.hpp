// Results as Markdown with tables (GitHub's form, which most renderers take), for pull requests and wikis.
#pragma once

#include <span>
#include <string>

#include "results/result_file.hpp"

namespace flashcore {

// Each file: where and from what it came, then a table a problem with the fastest right variant of each
// family and every variant that failed. Variants that cannot run the problem are counted. Speed-ups are over
// the first timed match of `baseline`; when that is empty, of the glob in the file's own config; where
// nothing matches, the first timed record. Text of the files is escaped: it can neither break a table nor
// become HTML.
std::string markdown_report(std::span<const ResultFile> files, const std::string& baseline);

}  // namespace flashcore
