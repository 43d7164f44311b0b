package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"

	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

// access is who may call an operation.
type access string

// Words of x-permission that are no permission of a role.
const (
	public        access = "public"        // anybody
	authenticated access = "authenticated" // whoever has signed in
)

// operation is what the document says of one operation.
type operation struct {
	id      string
	access  access              // a permission, or one of the words above
	self    identity.Permission // what a subscriber needs for its own account; "" if it may not at all
	command bool                // takes an Idempotency-Key
	staff   bool                // of the control plane
	machine bool                // of the control plane, for machines
	stack   bool                // of one tenant
	stream  bool                // its body is not held in memory
	yaml    bool                // its body may be YAML
	perItem bool                // judges the items of its body one by one
	plain   bool                // takes a debit's body, which may be read plainly
	maxBody int64               // bytes; 0 for a stream that only the server's bound holds for
	timeout time.Duration
	list    []listColumn // of the items it answers with; none: it is no list
	query   []string     // the parameters of its address that it declares, sorted
	foreign bool         // who calls it has addresses of its own making: other parameters are let be
	route   *routers.Route
}

const (
	defaultMaxBody = 1 << 20
	defaultTimeout = 30 * time.Second
)

// readOperations reads the document's operations, by method and path as the
// router writes them.
func readOperations(doc *openapi3.T) (map[string]*operation, error) {
	operations := map[string]*operation{}
	for path, item := range doc.Paths.Map() {
		for method, declared := range item.Operations() {
			op, err := readOperation(declared)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			op.staff, op.stack = strings.HasPrefix(path, "/staff/"), strings.HasPrefix(path, "/t/")
			op.machine = strings.HasPrefix(path, "/machine/") || strings.HasPrefix(path, "/downloads/") || path == "/install.sh"
			if err := op.checkAccess(); err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			op.query, op.foreign = queryNames(item.Parameters, declared.Parameters), strings.Contains(path, "/webhooks/")
			op.route = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: unsecured(declared)}
			operations[method+" "+routerPath(path)] = op
		}
	}
	return operations, nil
}

// unsecured is the operation as the validator gets it. The guard has asked who
// is calling; the validator would read a whole upload into memory to ask again.
func unsecured(declared *openapi3.Operation) *openapi3.Operation {
	operation := *declared
	operation.Security = openapi3.NewSecurityRequirements()
	return &operation
}

// errAccess means that the document forgets, or misspells, who may call an
// operation. A server with such a document does not start.
var errAccess = errors.New("x-permission names no permission")

func (op *operation) checkAccess() error {
	known := func(name string) bool { return identity.KnownPermission(identity.Permission(name)) }
	if op.staff {
		known = func(name string) bool { return tenants.KnownPermission(tenants.Permission(name)) }
	}
	switch {
	case op.access == public, op.access == authenticated:
		return nil
	case !known(string(op.access)):
		return fmt.Errorf("%w: %q", errAccess, op.access)
	case op.self != "" && !known(string(op.self)):
		return fmt.Errorf("%w: x-own-permission %q", errAccess, op.self)
	}
	return nil
}

func readOperation(declared *openapi3.Operation) (*operation, error) {
	op := &operation{id: declared.OperationID, timeout: defaultTimeout}
	var self, permission string
	var seconds int64
	for name, into := range map[string]any{
		"x-permission": &permission, "x-own-permission": &self, "x-max-body-bytes": &op.maxBody, "x-timeout-seconds": &seconds, "x-per-item": &op.perItem,
	} {
		if err := extension(declared.Extensions[name], into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if seconds > 0 {
		op.timeout = time.Duration(seconds) * time.Second
	}
	op.access, op.self = access(permission), identity.Permission(self)
	op.plain = op.id == "debitEvent"
	op.command = declared.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyKey) != nil
	if declared.RequestBody != nil {
		content := declared.RequestBody.Value.Content
		op.stream, op.yaml = content[streamType] != nil, content[yamlType] != nil
	}
	op.list = listColumns(declared)
	if op.maxBody == 0 && !op.stream {
		op.maxBody = defaultMaxBody
	}
	return op, nil
}

// extension reads a value of the document; an absent one leaves into as it is.
func extension(value, into any) error {
	if value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// routerPath writes /a/{b} as the router does, /a/:b.
func routerPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
