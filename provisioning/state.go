package provisioning

import "slices"

// State is how far a stack is.
type State string

// The states of a stack.
const (
	Requested State = "requested"
	Creating  State = "creating"
	Ready     State = "ready"
	Failed    State = "failed" // with a reason and the next try
)

// moves is the one table of what may follow what. A creation that was cut off
// is taken up again, so creating follows itself.
var moves = map[State][]State{
	Requested: {Creating},
	Creating:  {Creating, Ready, Failed},
	Failed:    {Creating},
}

// sources are the states from which one may move to a state, for SQL.
func sources(to State) []string {
	var from []string
	for s, next := range moves {
		if slices.Contains(next, to) {
			from = append(from, string(s))
		}
	}
	slices.Sort(from)
	return from
}
