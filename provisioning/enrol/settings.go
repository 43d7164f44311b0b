package enrol

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Settings are what staff set of a machine.
type Settings struct {
	PublicURL string        `json:"public_url,omitempty"` // under which people reach its stack
	Watch     machine.Watch `json:"watch"`
}

// maxWatched bounds each list of what a machine watches.
const maxWatched = 20

func (s *Settings) check(f *faults) {
	s.PublicURL = strings.TrimSuffix(strings.TrimSpace(s.PublicURL), "/")
	if s.PublicURL != "" {
		u, err := url.Parse(s.PublicURL)
		f.unless(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil, "public_url", "an address such as https://billing.example.net")
	}
	for name, list := range map[string]*[]string{"certificates": &s.Watch.Certificates, "processes": &s.Watch.Processes, "folders": &s.Watch.Folders} {
		*list = tidy(*list)
		f.unless(len(*list) <= maxWatched, name, fmt.Sprintf("at most %d", maxWatched))
		for _, one := range *list {
			f.unless(len(one) <= 200, name, "entries of at most 200 characters")
			if name == "folders" {
				f.unless(strings.HasPrefix(one, "/"), name, "whole paths, such as /var/lib")
			}
		}
	}
}

func tidy(list []string) []string {
	var kept []string
	for _, one := range list {
		if one = strings.TrimSpace(one); one != "" && !slices.Contains(kept, one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// faults gathers refused fields, so that all are told at once.
type faults []tenants.FieldError

func (f *faults) unless(ok bool, field, want string) {
	if !ok {
		*f = append(*f, tenants.FieldError{Field: field, Want: want})
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return &tenants.InvalidError{Fields: *f}
}
