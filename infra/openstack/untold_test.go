package openstack_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// An engine that died between making the subnet and writing it down leaves a
// network whose range is taken: Heat would fail on it for ever. What it left is
// taken away by its name on the site's own network, and nothing else is.
func TestEnsure_clearsASubnetThatHeatDoesNotKnow(t *testing.T) {
	t.Parallel()
	want := aSite(t)
	name := "tollhouse-site-" + want.ID.String()
	var took []string
	updated := false
	s := &sky{}
	s.answer = func(_ int, q *http.Request) (int, string, http.Header, error) {
		switch path := q.URL.Path; {
		case q.Method == http.MethodDelete:
			took = append(took, path[strings.LastIndex(path, "/")+1:])
			if updated {
				t.Error("Heat was asked before the range was free")
			}
			return 204, "", nil, nil
		case strings.HasSuffix(path, "/networks"):
			return 200, `{"networks":[{"id":"n","name":"public"}]}`, nil, nil
		case strings.HasSuffix(path, "/subnets"):
			if got := q.URL.Query().Get("network_id"); got != "mine" {
				t.Errorf("subnets of network %q are looked through", got)
			}
			return 200, fmt.Sprintf(`{"subnets":[{"id":"lost","name":%q},{"id":"foreign","name":"by hand"}]}`, name), nil, nil
		case strings.HasSuffix(path, "/servers/detail"):
			return 200, `{"servers":[]}`, nil, nil
		case strings.HasSuffix(path, "/volumes/detail"):
			return 200, `{"volumes":[]}`, nil, nil
		case strings.HasSuffix(path, "/resources"):
			return 200, `{"resources":[{"resource_name":"network","physical_resource_id":"mine","resource_status":"CREATE_COMPLETE"},
				{"resource_name":"subnet","physical_resource_id":"","resource_status":"CREATE_FAILED",
				 "resource_status_reason":"BadRequest: resources.subnet: Requested subnet with cidr: 10.20.0.0/24 for network: mine overlaps with another subnet."}]}`, nil, nil
		case strings.HasSuffix(path, "/events"):
			return 200, `{"events":[]}`, nil, nil
		case q.Method == http.MethodPut:
			updated = true
			return 202, "", nil, nil
		case strings.Contains(path, "/stacks/"):
			return 200, fmt.Sprintf(`{"stack":{"id":"s","stack_name":"tollhouse-%s","stack_status":"UPDATE_FAILED","tags":["tollhouse",%q],"parameters":{"revision":"1"}}}`, want.ID, name), nil, nil
		}
		return 404, nothingThere, nil, nil
	}
	if _, err := s.cloud(t).Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	if !updated || !slices.Equal(took, []string{"lost"}) {
		t.Errorf("asked again: %t, taken away: %v, want the lost one", updated, took)
	}
}
