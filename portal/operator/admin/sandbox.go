package admin

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing/money"
	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// sandboxView is the page of the copy of the operator's own stack.
type sandboxView struct {
	ui.ConsolePage
	Done    string
	Key     string
	Copy    *sandbox.Copy // the newest; nil: none was asked for
	AskedBy string
	Link    string // into the copy, once it is there
	IsCopy  bool
	Job     ui.Job
}

func copyPage(v *web.Visit) error {
	view, err := loadCopy(v)
	if err != nil {
		return err
	}
	view.ConsolePage = frame.Of(v, frame.Sandbox, v.Reader.T("con.nav.sandbox"))
	view.Done, view.Key = v.Query("done"), newForm(nil).Key
	return v.Show(http.StatusOK, sandboxPage(view))
}

func loadCopy(v *web.Visit) (view sandboxView, err error) {
	view.IsCopy = sandbox.IsCopy(v.Stack.Ref.Name)
	err = read(v, func(ctx context.Context, tx tenant.Tx) error {
		latest, err := sandbox.Latest(ctx, tx)
		if errors.Is(err, sandbox.ErrNoCopy) {
			return nil
		}
		if err != nil {
			return err
		}
		view.Copy = &latest
		names, err := namesOf(ctx, tx, v, []string{latest.AskedBy})
		view.AskedBy = names.of(v.Reader, latest.AskedBy)
		return err
	})
	if err != nil || view.Copy == nil {
		return view, err
	}
	if view.Copy.State == sandbox.Done {
		view.Link = v.TenantLink(view.Copy.Name, "console/")
	}
	view.Job = copyJob(v, *view.Copy)
	return view, nil
}

// copyJob tells how far a copy is, in tables.
func copyJob(v *web.Visit, c sandbox.Copy) ui.Job {
	r := v.Reader
	done, total := money.NewDecimal(int64(c.Done)), money.NewDecimal(int64(c.Total))
	j := ui.Job{ID: "copy-state", Title: copyTitle(r, c.State), Tone: ui.Info, Share: ui.Share(done, total),
		More: r.T("admin.leave"), Again: v.Console("sandbox/state")}
	if c.Total > 0 {
		j.Done = r.T("admin.of.tables", "done", r.Number(done), "total", r.Number(total))
	}
	if c.Reason != "" {
		j.More = r.T("admin.copy.again")
	}
	return j
}

// copyState gives the progress as a part; when it has ended, the page is read
// again.
func copyState(v *web.Visit) error {
	view, err := loadCopy(v)
	if err != nil {
		return err
	}
	if !v.Part("copy-state") {
		return v.Redirect(v.Console("sandbox"))
	}
	if view.Copy == nil || !view.Copy.Open() {
		return v.Reload()
	}
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, view.Job))
}

// askForCopy asks the house for a copy. Asking while one is on its way gives
// that one.
func askForCopy(v *web.Visit) error {
	_, err := once(v, "sandbox.ask", func(ctx context.Context, tx tenant.Tx) (act, error) {
		_, err := sandbox.Ask(ctx, tx, v.Caller(), v.Stack.Ref.Name)
		return recorded, err
	})
	if err != nil {
		return err
	}
	return after(v, "sandbox", "copy.asked")
}

func copyTitle(r ui.Reader, s sandbox.State) string {
	if s == sandbox.Asked {
		return r.T("admin.copy.waiting")
	}
	return r.T("admin.copy.running")
}
