// Package document reads a YAML or JSON document against a JSON Schema and
// says where it is wrong.
//
// It owns the syntax tree with its line numbers and the wording of findings.
// It does not own any document's meaning.
//
// Always true:
//   - Numbers keep their digits; none becomes a float.
//   - Unknown and repeated keys are refused.
//   - All findings are reported together, each with its path and line.
//   - Size and depth are bounded; anchors, aliases and tags are refused, so a
//     small document cannot grow into a large one.
package document
