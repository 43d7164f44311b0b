package enrolment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/machine"
)

// TakenOut is a take-out that lies whole on the machine.
type TakenOut struct {
	Size   int64 // bytes
	SHA256 string
	Open   func() (io.ReadCloser, error)
}

// TakeOuts writes what is to be delivered. It may be asked again and again.
type TakeOuts interface {
	// Want is told which one is wanted, Nil for none, and gives it once it is
	// whole; nil until then, and where it can't be written.
	Want(id uuid.UUID) *TakenOut
	// Says is how far the wanted one is, in plain words; empty if none is.
	Says() string
}

// deliverFor bounds how long parts are delivered between two reports.
const deliverFor = 30 * time.Second

// deliver sends the parts that are wanted of a take-out, one after the other, for
// a while; more tells that there are others. What is cut off goes on with the part
// that the control plane wants next.
func (k *Keeper) deliver(ctx context.Context, want *machine.TakeOutWanted) (more bool, err error) {
	if k.config.TakeOuts == nil {
		return false, nil
	}
	if want == nil {
		k.config.TakeOuts.Want(uuid.Nil)
		return false, nil
	}
	out := k.config.TakeOuts.Want(want.ID)
	if out == nil {
		return false, nil
	}
	parts, next, until := int((out.Size+machine.PartBytes-1)/machine.PartBytes), want.Next, k.config.Now().Add(deliverFor)
	at := next // where the file is
	file, err := out.from(next)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	for next <= parts {
		if k.config.Now().After(until) {
			return true, nil
		}
		if at != next { // it was written anew, or one came twice
			if err := file.Close(); err != nil {
				return false, err
			}
			if file, err = out.from(next); err != nil {
				return false, err
			}
		}
		data := make([]byte, min(machine.PartBytes, out.Size-int64(next-1)*machine.PartBytes))
		if _, err := io.ReadFull(file, data); err != nil {
			return false, fmt.Errorf("read part %d of a take-out: %w", next, err)
		}
		sum := sha256.Sum256(data)
		part := machine.TakeOutPart{No: next, Data: data, SHA256: hex.EncodeToString(sum[:]), Parts: parts, WholeBytes: out.Size, WholeSHA256: out.SHA256}
		var answer machine.TakeOutNext
		if err := k.client.signed(ctx, http.MethodPost, machine.PathTakeOuts+want.ID.String()+"/parts", part, &answer); err != nil {
			return false, fmt.Errorf("deliver part %d of a take-out: %w", next, err)
		}
		if answer.Next < 1 {
			return false, fmt.Errorf("deliver part %d of a take-out: %w", next, errNext)
		}
		at, next = next+1, answer.Next
	}
	k.config.Log.Info("take-out delivered", "take_out", want.ID.String(), "parts", parts)
	return false, nil
}

// errNext means that the answer to a part names none that there could be.
var errNext = errors.New("the control plane wants a part that there is not")

// from opens a take-out where a part begins. It is sealed, so what is before is
// read as well.
func (o *TakenOut) from(part int) (io.ReadCloser, error) {
	if part < 1 {
		return nil, errNext
	}
	file, err := o.Open()
	if err != nil {
		return nil, fmt.Errorf("open a take-out: %w", err)
	}
	before := min(int64(part-1)*machine.PartBytes, o.Size)
	if _, err := io.CopyN(io.Discard, file, before); err != nil {
		return nil, errors.Join(fmt.Errorf("read a take-out: %w", err), file.Close())
	}
	return file, nil
}
