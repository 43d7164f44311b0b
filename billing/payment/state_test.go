package payment

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

var allIntentStates = []IntentState{IntentCreated, IntentProcessing, IntentSucceeded, IntentFailed, IntentCanceled}

func TestIntentState_randomMovesNeverLeaveTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Intent{State: IntentCreated}
		for _, to := range rapid.SliceOfN(rapid.SampledFrom(allIntentStates), 1, 12).Draw(t, "moves") {
			before := i.State
			err := i.moveTo(to)
			if err != nil && (!errors.Is(err, ErrIntentState) || i.State != before) {
				t.Fatalf("refused move changed %s to %s: %v", before, i.State, err)
			}
			if before.Final() && err == nil {
				t.Fatalf("%s is final, yet it moved to %s", before, to)
			}
		}
	})
}

func TestIntentState_tableKnowsEveryState(t *testing.T) {
	for _, s := range allIntentStates {
		moves, known := intentMoves[s]
		if !known {
			t.Errorf("%s has no row", s)
		}
		for _, to := range moves {
			if _, known := intentMoves[to]; !known {
				t.Errorf("%s leads to the unknown %s", s, to)
			}
		}
	}
}
