package promotion

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"
)

// costLimit bounds what one look at a condition may cost, in CEL's own units: a
// comparison is about one, so a page of them fits with room to spare.
const costLimit = 10_000

// Errors of conditions.
var (
	// ErrCondition says that a text is no condition that can be asked.
	ErrCondition = errors.New("not a condition")
	// ErrTooCostly says that a condition took more steps than it may.
	ErrTooCostly = errors.New("the condition costs too much")
)

// condition is a compiled eligibility.
type condition struct{ program cel.Program }

// environment knows the facts by their types, so that a misspelt one is found
// when the promotion is written and not when it is given.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		ext.NativeTypes(
			reflect.TypeFor[AccountFacts](), reflect.TypeFor[PartyFacts](), reflect.TypeFor[SubscriptionFacts](),
			reflect.TypeFor[UsageFacts](), reflect.TypeFor[PaymentFacts](), ext.ParseStructTags(true)),
		cel.Variable("account", cel.ObjectType("promotion.AccountFacts")),
		cel.Variable("party", cel.ObjectType("promotion.PartyFacts")),
		cel.Variable("subscription", cel.ObjectType("promotion.SubscriptionFacts")),
		cel.Variable("usage", cel.ObjectType("promotion.UsageFacts")),
		cel.Variable("payment", cel.ObjectType("promotion.PaymentFacts")),
	)
})

func compileCondition(text string) (*condition, error) {
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("conditions: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("%w: at character %d: %s", ErrCondition, first.Location.Column()+1, strings.TrimSpace(first.Message))
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("%w: gives %s; it must be true or false", ErrCondition, ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCondition, err)
	}
	return &condition{program}, nil
}

// holds asks the condition. Facts are read when it asks for them.
func (c *condition) holds(facts interpreter.Activation) (bool, error) {
	value, _, err := c.program.Eval(facts)
	if err != nil {
		if strings.Contains(err.Error(), "cost limit") {
			return false, ErrTooCostly
		}
		return false, fmt.Errorf("%w: %w", ErrCondition, err)
	}
	return value == types.True, nil
}
