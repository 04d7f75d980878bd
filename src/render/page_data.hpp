// The data of the HTML page: result files without their samples, each problem once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "results/result_file.hpp"

namespace flashcore {

// {"clocks": [{field, name}],
//  "files": [{path, environment, conclusion: [sentence], cautions: [sentence], falls_short_means}],
//  "problems": [{file, sizes, curves: {same_batch, same_tokens}, name, …, flops, bytes, baseline, conclusion}],
//  "families": [{name, role}],
//  "records": [{problem, variant, …, falls_short}]}
// "file", "problem" and "baseline" are places in these lists; a problem without a timed record has the baseline null.
// Conclusions are those of render/conclusion_text.hpp; a problem's is null where there is nothing to compare.
// "falls_short" is there where it is true.
// Problems with the same name in "curves" are points of one curve over the sequence length. Other fields are those of
// result files, with numbers rounded to six significant digits; a "roofline" also has the "clock" that it is compared
// with.
//
// The baseline is the first timed match of `baseline`, or of the glob in the file's own config if `baseline` is empty,
// or else the first timed record.
Json page_data(std::span<const ResultFile> files, const std::string& baseline);

// The fields of a record that the page has, except timings, as JSON pointers into a record of a result file.
std::span<const std::string_view> shown_fields();

// JSON for a script element: ASCII, without characters that end the element or begin another, and without the line
// separators of Unicode, which end a line in old JavaScript.
std::string script_safe(const Json& json);

}  // namespace flashcore
