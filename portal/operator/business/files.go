package business

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// uploadAtMost bounds a usage file sent by a page; larger ones go by the API.
const uploadAtMost = 64 << 20

type filesView struct {
	list   string
	upload *uploadForm
	rows   []fileRow
	pager  pager
}

type fileRow struct {
	name, href, source, at, size, lines, suspended string
	tone                                           ui.Tone
	state                                          string
}

type uploadForm struct {
	action  string
	source  ui.Field
	sources []ui.Choice
	file    ui.Field
	faults  []ui.Fault
}

func showFiles(v *web.Visit) error { return answerFiles(v, http.StatusOK, "", "") }

func answerFiles(v *web.Visit, status int, sourceFault, fileFault string) error {
	after, err := usage.ParseCursor(v.Query("after"))
	if err != nil {
		return err
	}
	r := v.Reader
	var files []usage.File
	var next usage.Cursor
	var feeds []usage.Feed
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if feeds, err = usage.ListSources(ctx, tx); err != nil {
			return err
		}
		files, next, err = usage.ListFiles(ctx, tx, after, rowsAPage)
		return err
	})
	if err != nil {
		return err
	}
	page := &filesView{list: v.Console("suspense")}
	names := map[uuid.UUID]string{}
	var choices []ui.Choice
	for _, f := range feeds {
		names[f.ID] = f.Name
		choices = append(choices, ui.Choice{Value: f.ID.String(), Label: f.Name, Chosen: v.Form("source") == f.ID.String()})
	}
	if v.May(identity.UsageWrite) && len(feeds) > 0 {
		page.upload = &uploadForm{action: v.Console("suspense/files"), sources: choices,
			source: ui.Field{ID: "source", Label: r.T("biz.susp.source"), Error: sourceFault},
			file:   ui.Field{ID: "file", Label: r.T("biz.file"), Hint: r.T("biz.file.hint"), Kind: "file", Error: fileFault}}
		page.upload.faults = ui.FaultsOf(page.upload.source, page.upload.file)
	}
	for _, f := range files {
		row := fileRow{name: f.Name, href: v.Console("suspense/files/" + f.ID.String()), source: names[f.Source], at: r.Short(f.ReceivedAt),
			size: r.Locale.FormatBytes(f.SizeBytes), lines: count(r, f.Read.Line), suspended: count(r, f.Counts.Suspended)}
		row.tone, row.state = fileState(r, f)
		page.rows = append(page.rows, row)
	}
	if !next.IsZero() {
		page.pager.next = v.Console("suspense/files", "after", next.String())
	}
	if !after.IsZero() {
		page.pager.first = v.Console("suspense/files")
	}
	return v.Show(status, filesPage(frame.Of(v, frame.Suspense, r.T("biz.files")), page))
}

func fileState(r ui.Reader, f usage.File) (ui.Tone, string) {
	tones := map[usage.FileState]ui.Tone{usage.Received: ui.Info, usage.Running: ui.Info, usage.Done: ui.OK, usage.Failed: ui.Bad}
	return tones[f.State], r.T("biz.file.state." + string(f.State))
}

// uploadFile takes a usage file for a source. The same file again is the same.
func uploadFile(v *web.Visit) error {
	r, head := v.Reader, v.File("file")
	if head == nil {
		return answerFiles(v, http.StatusUnprocessableEntity, "", r.T("biz.file.missing"))
	}
	source := parseID(v.Form("source"))
	body, err := head.Open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was only read
	file, repeat, err := v.Stack.ReceiveFile(v.Context(), source, head.Filename, body)
	switch {
	case errors.Is(err, usage.ErrNoSource):
		return answerFiles(v, http.StatusUnprocessableEntity, r.T("biz.susp.source.not"), "")
	case errors.Is(err, billing.ErrFileCutOff):
		return answerFiles(v, http.StatusUnprocessableEntity, "", r.T("biz.file.cutoff"))
	case err != nil:
		return err
	}
	done := "received"
	if repeat {
		done = "repeat"
	}
	c := &command.Command{Action: "uploadUsageFile", Object: "usage_file", ID: file.ID, Detail: map[string]any{"name": head.Filename, "repeat": repeat},
		Do: func(context.Context, tenant.Tx) (string, error) {
			return v.Console("suspense/files/"+file.ID.String(), "done", done), nil
		}}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

type fileView struct {
	list  string
	title string
	done  string
	tone  ui.Tone
	state string
	job   *ui.Job
	error string
	facts []fact
}

func showFile(v *web.Visit) error {
	f, source, err := findFile(v)
	if err != nil {
		return err
	}
	r := v.Reader
	page := &fileView{list: v.Console("suspense/files"), title: f.Name, error: f.Error}
	page.tone, page.state = fileState(r, f)
	switch v.Query("done") {
	case "received":
		page.done = r.T("biz.file.received")
	case "repeat":
		page.done = r.T("biz.file.repeat")
	}
	if f.State == usage.Received || f.State == usage.Running {
		job := fileJob(r, f)
		job.Again = v.Console("suspense/files/" + f.ID.String() + "/progress")
		page.job = &job
	}
	page.facts = []fact{{r.T("biz.susp.source"), source.Name, ""}, {r.T("biz.susp.came"), r.DateTime(f.ReceivedAt), ""}, {r.T("biz.file.size"), r.Locale.FormatBytes(f.SizeBytes), ""},
		{r.T("biz.file.read"), count(r, f.Read.Line), ""}, {r.T("biz.file.accepted"), count(r, f.Counts.Accepted), ""}, {r.T("biz.file.duplicates"), count(r, f.Counts.Duplicates), ""},
		{r.T("biz.file.suspended"), count(r, f.Counts.Suspended), v.Console("suspense", "file", f.ID.String())}, {r.T("biz.file.ignored"), count(r, f.Counts.Ignored), ""}}
	if f.Overlapped > 0 {
		page.facts = append(page.facts, fact{r.T("biz.file.overlaps"), count(r, f.Overlapped), v.Console("suspense/files/" + f.Overlaps.String())})
	}
	return v.Show(http.StatusOK, filePage(frame.Of(v, frame.Suspense, strings.TrimSpace(f.Name)), page))
}

func findFile(v *web.Visit) (f usage.File, source usage.Feed, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if f, err = usage.GetFile(ctx, tx, parseID(v.Param("file"))); err != nil {
			return err
		}
		source, err = usage.GetSource(ctx, tx, f.Source)
		return err
	})
	return f, source, err
}

func showFileProgress(v *web.Visit) error {
	f, _, err := findFile(v)
	if err != nil {
		return err
	}
	if f.State == usage.Done || f.State == usage.Failed {
		return v.Reload()
	}
	job := fileJob(v.Reader, f)
	job.Again = v.Console("suspense/files/" + f.ID.String() + "/progress")
	return v.Show(http.StatusOK, ui.JobProgress(v.Reader, job))
}
