package staff

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// backupsPage is how safe operators' data are.
type backupsPage struct {
	ui.ConsolePage
	Path    string
	Servers []serverView
	MayRun  bool
	Refused string
	Field   string // that was refused
	Name    string // as was written
	At      string
	Busy    bool
}

type serverView struct {
	backup.Status
	Tone                                   ui.Tone
	Words                                  string
	Backup, Full, Archived, Earliest, Size string
	Told                                   []string // faults
	Runs                                   []runView
}

type runView struct {
	Kind, Words, When, Took, More string
	Tone                          ui.Tone
	Steps                         []stepView
}

// runsShown bounds the runs of a server on one page.
const runsShown = 12

func (p pages) backups(v *web.StaffVisit) error {
	return p.showBackups(v, backupsPage{}, http.StatusOK)
}

func (p pages) showBackups(v *web.StaffVisit, view backupsPage, status int) error {
	view.Path, view.MayRun = v.URL("backups"), v.May(tenants.BackupRun)
	err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		servers, err := backup.Statuses(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range servers {
			runs, err := backup.Runs(ctx, tx, s.Server, runsShown)
			if err != nil {
				return err
			}
			shown := describeServer(v, s)
			for _, r := range runs {
				view.Busy = view.Busy || r.State == backup.Wanted || r.State == backup.Running
				shown.Runs = append(shown.Runs, describeRun(v, r))
			}
			view.Servers = append(view.Servers, shown)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if view.ConsolePage, err = p.frame(v, backupsSection, v.Reader.T("staff.nav.backups")); err != nil {
		return err
	}
	if v.Part("servers") {
		return v.Show(http.StatusOK, serversPart(view))
	}
	return v.Show(status, backupsScreen(view))
}

func describeServer(v *web.StaffVisit, s backup.Status) serverView {
	r := v.Reader
	shown := serverView{Status: s, Tone: ui.OK, Words: r.T("staff.backup.fine"), Backup: when(r, s.LastBackup), Full: when(r, s.LastFull), Archived: when(r, s.LastArchived),
		Earliest: when(r, s.Earliest), Size: bytes(r, s.SizeBytes)}
	for _, f := range s.Faults {
		shown.Tone, shown.Words = ui.Bad, r.T("staff.backup.wrong")
		shown.Told = append(shown.Told, r.T("staff.backup.fault."+string(f)))
	}
	return shown
}

func describeRun(v *web.StaffVisit, run backup.Run) runView {
	r := v.Reader
	shown := runView{Kind: r.T("staff.backup.kind." + string(run.Kind)), Words: r.T("staff.backup.state." + string(run.State)), When: r.DateTime(run.AskedAt), More: run.Reason, Tone: ui.Info}
	switch run.State {
	case backup.Done:
		shown.Tone = ui.OK
	case backup.Failed:
		shown.Tone = ui.Bad
	}
	if run.DoneAt != nil {
		shown.Took = r.T("staff.move.seconds", "n", seconds(run.DoneAt.Sub(run.AskedAt)))
	}
	if shown.More == "" {
		shown.More = resultText(r, run)
	}
	for _, s := range run.Steps {
		step := stepView{Name: r.T("staff.backup.step." + s.Name)}
		if s.EndedAt != nil {
			step.Took = r.T("staff.move.seconds", "n", seconds(s.EndedAt.Sub(s.BeganAt)))
		}
		shown.Steps = append(shown.Steps, step)
	}
	return shown
}

// resultText tells what staff want to know of a run that is done.
func resultText(r ui.Reader, run backup.Run) string {
	whole := func(name string) string { n, _ := run.Result[name].(float64); return strconv.FormatInt(int64(n), 10) }
	switch {
	case run.State != backup.Done:
		return ""
	case run.Kind == backup.Drill:
		return r.T("staff.backup.drilled", "stacks", whole("stacks"), "seconds", strconv.FormatFloat(fraction(run.Result, "restored_ms")/1000, 'f', 1, 64), "loss", whole("loss_seconds"))
	case run.Kind == backup.Restore:
		where, _ := run.Result["file"].(string)
		return r.T("staff.backup.restored", "rows", whole("rows"), "file", where)
	}
	return ""
}

func fraction(result map[string]any, name string) float64 { n, _ := result[name].(float64); return n }

func (p pages) askBackup(v *web.StaffVisit) error {
	wanted := backup.Run{Server: v.Param("server"), Kind: backup.Kind(v.Form("kind"))}
	view := backupsPage{Name: v.Form("operator"), At: v.Form("at")}
	if view.At != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", view.At, v.Reader.Zone)
		if err != nil {
			view.Refused, view.Field = "staff.backup.refused.at", "at"
			return p.showBackups(v, view, http.StatusUnprocessableEntity)
		}
		at = at.UTC()
		wanted.At = &at
	}
	err := p.write(v, func(ctx context.Context, tx tenants.Tx) error {
		if wanted.Kind == backup.Restore {
			o, err := tenants.OperatorByName(ctx, tx, view.Name)
			if err != nil {
				return err
			}
			id := o.ID
			wanted.Operator = &id
		}
		_, err := backup.Ask(ctx, tx, v.Who, wanted)
		return err
	})
	switch {
	case err == nil:
		return v.Redirect(v.URL("backups"))
	case errors.Is(err, tenants.ErrNotFound), errors.Is(err, provisioning.ErrNotReady):
		view.Refused, view.Field = "staff.backup.refused.operator", "operator"
	case errors.Is(err, backup.ErrInstant):
		view.Refused, view.Field = "staff.backup.refused.at", "at"
	case errors.Is(err, backup.ErrRuns):
		view.Refused = "staff.backup.refused.runs"
	default:
		return err
	}
	return p.showBackups(v, view, http.StatusUnprocessableEntity)
}

// takeOutFile gives a take-out's archive; who fetches it is recorded.
func (p pages) takeOutFile(v *web.StaffVisit) error {
	id, err := uuid.Parse(v.Param("takeout"))
	if err != nil || p.TakeOuts == nil {
		return tenants.ErrNotFound
	}
	found, file, err := p.TakeOuts.Fetch(v.Context(), v.Who, id)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return v.StreamFile(found.ID.String()+".zip", "application/zip", func(to io.Writer) error {
		_, err := io.Copy(to, file)
		return err
	})
}
