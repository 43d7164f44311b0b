package billing

import "tollhouse/billing/task"

// Begin starts long work for a person, unless the same is under way: then that
// is returned, and begun is false. The work opens its own transactions.
func (s *Stack) Begin(name task.Name, by string, work task.Work) (status task.Status, begun bool) {
	return s.host.tasks.Start(s.Ref.ID, name, by, work)
}

// LastTask is the latest long work of a name, under way or ended.
func (s *Stack) LastTask(name task.Name) (task.Status, bool) {
	return s.host.tasks.Last(s.Ref.ID, name)
}

// RunningTasks lists this stack's long work that is under way.
func (s *Stack) RunningTasks() []task.Status { return s.host.tasks.Running(s.Ref.ID) }

// StopTasks ends all long work of the host and waits for it.
func (h *Host) StopTasks() { h.tasks.Stop() }
