// What the HTML page draws from: result files without their samples, each problem once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "results/result_file.hpp"

namespace flashcore {

// {"clocks": [{field, name}], "files": [{path, environment}], "problems": [{file, sizes, curves, name, …, flops, bytes, baseline}],
// "families": [{name, role}], "records": [{problem, variant, …}]}. A problem names its file and, as "baseline", the
// record that speed-ups are against (null when none is timed), a record its problem, by their places in the lists;
// problems with the same "curves"."same_batch" or
// "same_tokens" are points of one curve over the sequence length. Fields have the names
// they have in result files; "clock" in a "roofline" is the timing that it is compared with. Numbers are rounded to six
// significant digits.
//
// The baseline is the first timed match of `baseline`; when that is empty, of the glob in the file's own
// config; where nothing matches, the first timed record.
Json page_data(std::span<const ResultFile> files, const std::string& baseline);

// The fields that a record has there, but for its timings, as JSON pointers into a result file's record.
std::span<const std::string_view> shown_fields();

// JSON as it may stand in a script element: pure ASCII, with no character that ends the element or begins
// another in HTML, nor one that JavaScript once took for a line end.
std::string script_safe(const Json& json);

}  // namespace flashcore
