package backup

// State is how far a take-out or a run is.
type State string

// The states of take-outs and runs.
const (
	Wanted  State = "asked"   // a run that nobody has begun
	Running State = "running" // a run
	Working State = "working" // a take-out
	Done    State = "done"
	Failed  State = "failed" // with a reason
)
