package api

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"tollhouse/api/problem"
)

// queryNames are the names of parameters of an address, sorted.
func queryNames(declared ...openapi3.Parameters) (names []string) {
	for _, list := range declared {
		for _, p := range list {
			if p.Value != nil && p.Value.In == openapi3.ParameterInQuery {
				names = append(names, p.Value.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkQuery refuses parameters that are no text, and those that the operation
// does not know: a misspelt filter would otherwise give everything, and pass for
// an answer.
func checkQuery(query url.Values, op *operation) error {
	var faults []problem.Fault
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case notText(name):
			faults = append(faults, noText("query"))
		case slices.ContainsFunc(query[name], notText):
			faults = append(faults, noText(name))
		case !op.foreign && !slices.Contains(op.query, name):
			faults = append(faults, problem.Fault{Field: name, Reason: "is no parameter of this operation", Want: knownQuery(op.query)})
		}
	}
	if len(faults) > 0 {
		return problem.InvalidRequest.New("", faults[:min(len(faults), maxFaults)]...)
	}
	return nil
}

func knownQuery(names []string) string {
	switch len(names) {
	case 0:
		return "an address without parameters: this operation has none"
	case 1:
		return "the parameter " + names[0] + ", or none"
	}
	return "one of the parameters " + strings.Join(names, ", ")
}
