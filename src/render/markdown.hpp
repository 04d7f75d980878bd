// Results as Markdown with tables (GitHub's form, which most renderers take), for pull requests and wikis.
#pragma once

#include <span>
#include <string>

#include "results/result_file.hpp"

namespace flashcore {

// Per file: the conclusion, its environment, then a table per problem with the fastest right variant of each family and every variant
// that failed. Variants that cannot run the problem are counted. The baseline of speed-ups is the first timed match of
// `baseline`, or of the glob in the file's own config if `baseline` is empty, or else the first timed record. Text of
// the files is escaped: it can neither break a table nor become HTML.
std::string markdown_report(std::span<const ResultFile> files, const std::string& baseline);

}  // namespace flashcore
