package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// quotaView is the page of how sessions are granted.
type quotaView struct {
	ui.ConsolePage
	Tabs []ui.NavItem
	Form form
	Done string
	May  bool
}

var quotaKinds = []usage.Kind{usage.Voice, usage.Data, usage.Message, usage.Content}

func quotas(v *web.Visit) error {
	var p session.Policy
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = charging.GetPolicy(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return showQuotas(v, newForm(typedPolicy(&p)))
}

func showQuotas(v *web.Visit, f form) error {
	return v.Show(f.status(), quotaPage(quotaView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.quotas")),
		Tabs: settingsNav(v, "quotas"), Form: f, Done: v.Query("done"), May: v.May(identity.SettingsWrite)}))
}

// typedPolicy is a policy as the form shows it.
func typedPolicy(p *session.Policy) map[string]string {
	typed := map[string]string{"grace": itoa(p.GraceSeconds)}
	for _, kind := range quotaKinds {
		q, name := p.Of(kind), string(kind)
		typed[name+"_units"], typed[name+"_valid"], typed[name+"_hold"] = itoa(q.Units), itoa(q.ValidSeconds), itoa(q.HoldSeconds)
		typed[name+"_action"], typed[name+"_to"] = string(q.Final.Action), q.Final.RedirectTo+q.Final.FilterID
	}
	var lines []string
	for _, g := range p.Groups {
		line := strings.Join([]string{itoa(g.Number), string(g.Kind), g.Name, g.Destination, g.Quality}, ", ")
		lines = append(lines, strings.TrimRight(line, ", "))
	}
	typed["groups"] = strings.Join(lines, "\n")
	return typed
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func saveQuotas(v *web.Visit) error {
	fields := []string{"grace", "groups"}
	for _, kind := range quotaKinds {
		for _, part := range []string{"units", "valid", "hold", "action", "to"} {
			fields = append(fields, string(kind)+"_"+part)
		}
	}
	f := sentForm(v, fields...)
	p := policyTyped(v.Reader, &f)
	if f.status() == 200 {
		_, err := once(v, "charging.policy", func(ctx context.Context, tx tenant.Tx) (act, error) {
			return act{object: "operator", detail: map[string]any{"policy": p}}, charging.PutPolicy(ctx, tx, p)
		})
		refused, is := errors.AsType[*charging.PolicyError](err)
		switch {
		case err == nil:
			return after(v, "settings/quotas", "saved")
		case !is:
			return err
		}
		for _, fault := range refused.Faults {
			refuseQuota(v.Reader, &f, fault.Field)
		}
	}
	return showQuotas(v, f)
}

// refuseQuota says at the form's field what is wrong with a policy's.
func refuseQuota(r ui.Reader, f *form, path string) {
	kind, part, _ := strings.Cut(path, ".")
	switch {
	case path == "grace_seconds":
		f.refuse("grace", r.T("admin.quota.bad.seconds"))
	case kind == "groups":
		line, _, _ := strings.Cut(part, ".")
		n, _ := strconv.Atoi(line)
		f.refuse("groups", r.T("admin.quota.bad.groups", "line", strconv.Itoa(n+1)))
	case part == "units":
		f.refuse(kind+"_units", r.T("admin.quota.bad.units"))
	case part == "valid_seconds":
		f.refuse(kind+"_valid", r.T("admin.quota.bad.seconds"))
	case part == "hold_seconds":
		f.refuse(kind+"_hold", r.T("admin.quota.bad.seconds"))
	case part == "final.action":
		f.refuse(kind+"_action", r.T("admin.quota.bad.action"))
	default:
		f.refuse(kind+"_to", r.T("admin.quota.bad.to"))
	}
}

// policyTyped reads a policy out of the form; what is no number is refused.
func policyTyped(r ui.Reader, f *form) session.Policy {
	whole := func(field, path string) int64 {
		n, err := strconv.ParseInt(f.Typed[field], 10, 64)
		if err != nil {
			refuseQuota(r, f, path)
		}
		return n
	}
	p := session.Policy{GraceSeconds: whole("grace", "grace_seconds")}
	for _, kind := range quotaKinds {
		q, name := p.Of(kind), string(kind)
		q.Units = whole(name+"_units", name+".units")
		q.ValidSeconds = whole(name+"_valid", name+".valid_seconds")
		q.HoldSeconds = whole(name+"_hold", name+".hold_seconds")
		q.Final.Action = session.Action(f.Typed[name+"_action"])
		switch q.Final.Action {
		case session.Redirect:
			q.Final.RedirectTo = f.Typed[name+"_to"]
		case session.Restrict:
			q.Final.FilterID = f.Typed[name+"_to"]
		}
	}
	lines := 0
	for line := range strings.Lines(f.Typed["groups"]) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := strings.SplitN(line, ",", 5)
		for len(parts) < 5 {
			parts = append(parts, "")
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		number, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			refuseQuota(r, f, fmt.Sprintf("groups.%d.number", lines))
		}
		lines++
		p.Groups = append(p.Groups, session.Group{Number: number, Kind: usage.Kind(parts[1]), Name: parts[2], Destination: parts[3], Quality: parts[4]})
	}
	return p
}

func actionChoices(r ui.Reader) []ui.Choice {
	var choices []ui.Choice
	for _, action := range []session.Action{session.EndService, session.Redirect, session.Restrict} {
		choices = append(choices, ui.Choice{Value: string(action), Label: r.T("admin.quota.action." + string(action))})
	}
	return choices
}
