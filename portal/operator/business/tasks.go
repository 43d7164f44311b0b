package business

import (
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/task"
	"tollhouse/billing/usage"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// The long work that is begun from these pages.
const (
	clockTask    task.Name = "clock"
	previewTask  task.Name = "preview"
	suspenseTask task.Name = "suspense"
)

// asked is a task with what these pages know of it.
type asked struct{ task.Status }

// tasksOf lists what is under way of the tasks that the visitor may begin.
func tasksOf(v *web.Visit) []asked {
	var list []asked
	for _, s := range v.Stack.RunningTasks() {
		if t := (asked{s}); v.May(taskRights[s.Name]) {
			list = append(list, t)
		}
	}
	return list
}

func (a asked) href(v *web.Visit) string {
	switch a.Name {
	case previewTask:
		return v.Console("bill-runs/preview")
	case suspenseTask:
		return v.Console("suspense/rerun")
	}
	return v.Console("bill-runs")
}

// job tells how far it is; again is where that is asked.
func (a asked) job(v *web.Visit, again string) ui.Job {
	r := v.Reader
	j := ui.Job{ID: "task-" + string(a.Name), Title: r.T("biz.task." + string(a.Name)), Tone: ui.Info, Again: again,
		Share: ui.Share(money.NewDecimal(a.Progress.Done), money.NewDecimal(a.Progress.Total)),
		More:  r.T("biz.task.since", "at", r.Clock(a.BegunAt))}
	switch {
	case !a.Progress.At.IsZero():
		j.Done = r.DateTime(a.Progress.At)
	case a.Progress.Total > 0:
		j.Done = r.T("biz.of", "n", count(r, a.Progress.Done), "of", count(r, a.Progress.Total))
	}
	return j
}

// runJob tells how far a bill run is.
func runJob(r ui.Reader, run bill.Run) ui.Job {
	done, total := int64(run.Done+run.Failed), int64(max(run.Total, run.Done+run.Failed))
	return ui.Job{ID: "run-" + run.ID.String(), Title: r.T("biz.run.of", "day", r.Date(run.CycleEnd)), Tone: ui.Info,
		Done:  r.T("biz.of", "n", count(r, done), "of", count(r, total)),
		Share: ui.Share(money.NewDecimal(done), money.NewDecimal(total)),
		More:  r.T("biz.run.since", "at", r.Short(run.StartedAt))}
}

// fileJob tells how far a usage file is read.
func fileJob(r ui.Reader, f usage.File) ui.Job {
	return ui.Job{ID: "file-" + f.ID.String(), Title: f.Name, Tone: ui.Info,
		Done:  r.T("biz.of", "n", r.Locale.FormatBytes(f.Read.Offset), "of", r.Locale.FormatBytes(f.SizeBytes)),
		Share: ui.Share(money.NewDecimal(f.Read.Offset), money.NewDecimal(f.SizeBytes)),
		More:  r.N("biz.file.lines", f.Read.Line)}
}

// showTask gives the progress of a task as a part; when it has ended, the whole
// page is read again.
func showTask(name task.Name) func(v *web.Visit) error {
	return func(v *web.Visit) error {
		s, known := v.Stack.LastTask(name)
		if !known || !s.Running() {
			return v.Reload()
		}
		a := asked{s}
		return v.Show(200, ui.JobProgress(v.Reader, a.job(v, v.Console("tasks/"+string(name)))))
	}
}
