package openstack

import (
	"fmt"
	"testing"

	"github.com/goccy/go-yaml"
)

// Heat refuses a template in which a parameter and a resource share a name, and
// says so only where the stack is changed.
func TestTemplate_namesAreOfOneThing(t *testing.T) {
	t.Parallel()
	texts := map[string]any{"site.yaml": siteTemplate}
	for name, text := range files {
		texts[name] = text
	}
	for file, text := range texts {
		var template struct {
			Parameters, Resources map[string]any
		}
		if err := yaml.Unmarshal(fmt.Append(nil, text), &template); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(template.Parameters) == 0 || len(template.Resources) == 0 {
			t.Errorf("%s has %d parameters and %d resources", file, len(template.Parameters), len(template.Resources))
		}
		for name := range template.Parameters {
			if _, both := template.Resources[name]; both {
				t.Errorf("%s: %s is a parameter and a resource", file, name)
			}
		}
	}
}
