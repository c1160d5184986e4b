package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/vmsteward/vmsteward/manifest"
)

var (
	errDamaged  = errors.New("damaged")
	errInvalid  = bolterr.ErrInvalid
	errChecksum = bolterr.ErrChecksum
	errVersion  = bolterr.ErrVersionMismatch
)

// boltStore is the Store on bbolt. Updates of many VMs at once share
// transactions, so that a parallel pass pays for few synced writes.
type boltStore struct {
	db       *bolt.DB
	together together
}

func open(path string) (s *boltStore, err error) {
	// bbolt panics on some damaged pages.
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 200 * time.Millisecond, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, bolterr.ErrTimeout) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	s = &boltStore{db: db, together: together{db: db}}
	if err := s.prepare(); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// prepare makes the buckets of a new file, and reads all of an older one.
func (s *boltStore) prepare() error {
	there := 0
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func([]byte, *bolt.Bucket) error { there++; return nil })
	})
	if err != nil || there > 0 {
		return errors.Join(err, s.read())
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// read tries to understand everything that the store has.
func (s *boltStore) read() error {
	if _, err := s.Records(); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if _, err := s.History(historySize); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return s.db.View(func(tx *bolt.Tx) error {
		b, err := bucket(tx, stateBucket)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			if !json.Valid(v) {
				return fmt.Errorf("%w: state %q", errDamaged, k)
			}
			return nil
		})
	})
}

// Records implements Store.
func (s *boltStore) Records() (map[manifest.Key]Record, error) {
	out := make(map[manifest.Key]Record)
	err := s.db.View(func(tx *bolt.Tx) error {
		b, err := bucket(tx, vmBucket)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			var key manifest.Key
			var r Record
			if err := errors.Join(key.UnmarshalText(k), decode(v, &r)); err != nil {
				return fmt.Errorf("record %q: %w", k, err)
			}
			out[key] = r
			return nil
		})
	})
	return out, wrap("read", err)
}

// Put implements Store.
func (s *boltStore) Put(records map[manifest.Key]Record) error {
	return wrap("write", s.together.do(func(tx *bolt.Tx) error {
		b, err := bucket(tx, vmBucket)
		if err != nil {
			return err
		}
		for _, vm := range slices.SortedFunc(maps.Keys(records), manifest.Key.Compare) {
			v, err := encode(records[vm])
			if err != nil {
				return err
			}
			if err := b.Put([]byte(vm.String()), v); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Forget implements Store.
func (s *boltStore) Forget(vm manifest.Key) error {
	return wrap("write", s.together.do(func(tx *bolt.Tx) error {
		b, err := bucket(tx, vmBucket)
		if err != nil {
			return err
		}
		return b.Delete([]byte(vm.String()))
	}))
}

// State implements Store.
func (s *boltStore) State(name string, v any) error {
	return wrap("read", s.db.View(func(tx *bolt.Tx) error {
		b, err := bucket(tx, stateBucket)
		if err != nil {
			return err
		}
		return decode(b.Get([]byte(name)), v)
	}))
}

// SetState implements Store.
func (s *boltStore) SetState(name string, v any) error {
	enc, err := encode(v)
	if err != nil {
		return err
	}
	return wrap("write", s.db.Update(func(tx *bolt.Tx) error {
		b, err := bucket(tx, stateBucket)
		if err != nil {
			return err
		}
		return b.Put([]byte(name), enc)
	}))
}

// States implements Store.
func (s *boltStore) States(prefix string, each func(name string, value []byte) error) error {
	return wrap("read", s.db.View(func(tx *bolt.Tx) error {
		b, err := bucket(tx, stateBucket)
		if err != nil {
			return err
		}
		c := b.Cursor()
		for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
			if err := each(string(k), v); err != nil {
				return err
			}
		}
		return nil
	}))
}

// DropState implements Store.
func (s *boltStore) DropState(name string) error {
	return wrap("write", s.together.do(func(tx *bolt.Tx) error {
		b, err := bucket(tx, stateBucket)
		if err != nil {
			return err
		}
		return b.Delete([]byte(name))
	}))
}

// Append implements Store.
func (s *boltStore) Append(e Event) error {
	enc, err := encode(e)
	if err != nil {
		return err
	}
	return wrap("write", s.together.do(func(tx *bolt.Tx) error {
		b, err := bucket(tx, historyBucket)
		if err != nil {
			return err
		}
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := b.Put(sequence(seq), enc); err != nil {
			return err
		}
		if seq <= historySize {
			return nil
		}
		oldest, c := sequence(seq-historySize), b.Cursor()
		for k, _ := c.First(); k != nil && bytes.Compare(k, oldest) <= 0; k, _ = c.First() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	}))
}

// History implements Store.
func (s *boltStore) History(n int) ([]Event, error) {
	var out []Event
	err := s.db.View(func(tx *bolt.Tx) error {
		b, err := bucket(tx, historyBucket)
		if err != nil {
			return err
		}
		c := b.Cursor()
		for k, v := c.Last(); k != nil && len(out) < n; k, v = c.Prev() {
			var e Event
			if err := decode(v, &e); err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, wrap("read", err)
}

// Close implements Store.
func (s *boltStore) Close() error { return s.db.Close() }

func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("journal: %s: %w", op, err)
}
