package secrets

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// A sealed stream: format, length of the wrapped key, the wrapped key, then
// chunks. Each chunk has its number and whether it is the last in its nonce, so
// that none can be left out, repeated or moved, and an end that was cut off is
// found out.
const (
	streamFormat = 3
	streamChunk  = 64 << 10
)

// SealStream encrypts what is written, under a key of its own that the master
// key wraps. Close writes the end and must be called; it leaves to open.
func (b *Box) SealStream(context string, to io.Writer) (io.WriteCloser, error) {
	key := make([]byte, chacha20poly1305.KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	wrapped, err := b.Seal(streamContext(context), key)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint16([]byte{streamFormat}, uint16(len(wrapped)))
	if _, err := to.Write(append(head, wrapped...)); err != nil {
		return nil, err
	}
	return &sealedWriter{to: to, aead: aead, chunk: make([]byte, 0, streamChunk)}, nil
}

func streamContext(context string) string { return "stream/" + context }

type sealedWriter struct {
	to     io.Writer
	aead   cipher.AEAD
	chunk  []byte
	number uint64
	closed bool
}

func (w *sealedWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if len(w.chunk) == streamChunk { // more follows, so it is not the last
			if err := w.flush(false); err != nil {
				return n, err
			}
		}
		taken := min(len(p), streamChunk-len(w.chunk))
		w.chunk = append(w.chunk, p[:taken]...)
		p, n = p[taken:], n+taken
	}
	return n, nil
}

func (w *sealedWriter) flush(last bool) error {
	_, err := w.to.Write(w.aead.Seal(nil, chunkNonce(w.number, last), w.chunk, nil))
	w.chunk, w.number = w.chunk[:0], w.number+1
	return err
}

// Close writes the last chunk. A second Close is harmless.
func (w *sealedWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.flush(true)
}

func chunkNonce(number uint64, last bool) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	binary.BigEndian.PutUint64(nonce, number)
	if last {
		nonce[chacha20poly1305.NonceSizeX-1] = 1
	}
	return nonce
}

// OpenStream decrypts what SealStream made for the same context. A reader gives
// only what is whole; ErrTampered for the rest.
func (b *Box) OpenStream(context string, from io.Reader) (io.Reader, error) {
	head := make([]byte, 3)
	if _, err := io.ReadFull(from, head); err != nil || head[0] != streamFormat {
		return nil, errors.Join(ErrTampered, err)
	}
	wrapped := make([]byte, binary.BigEndian.Uint16(head[1:]))
	if _, err := io.ReadFull(from, wrapped); err != nil {
		return nil, errors.Join(ErrTampered, err)
	}
	key, err := b.Open(streamContext(context), wrapped)
	if err != nil {
		return nil, fmt.Errorf("key of a sealed stream: %w", err)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	return &sealedReader{from: bufio.NewReaderSize(from, streamChunk+aead.Overhead()+1), aead: aead, buffer: make([]byte, streamChunk+aead.Overhead())}, nil
}

type sealedReader struct {
	from   *bufio.Reader
	aead   cipher.AEAD
	buffer []byte
	clear  []byte // of the chunk, what has not been read
	number uint64
	done   bool
}

func (r *sealedReader) Read(p []byte) (int, error) {
	for len(r.clear) == 0 {
		if r.done {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.clear)
	r.clear = r.clear[n:]
	return n, nil
}

func (r *sealedReader) next() error {
	n, err := io.ReadFull(r.from, r.buffer)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(ErrTampered, err)
	}
	_, err = r.from.Peek(1)
	r.done = errors.Is(err, io.EOF)
	if err != nil && !r.done {
		return err
	}
	clear, err := r.aead.Open(r.buffer[:0], chunkNonce(r.number, r.done), r.buffer[:n], nil)
	if err != nil {
		return ErrTampered
	}
	r.clear, r.number = clear, r.number+1
	return nil
}
