package schema

import "iter"

// Value is one value of a field. Numbers, flags and enumerations are in Num
// (signed ones in two's complement, 64 bits wide), texts, bytes and addresses
// in Text.
type Value struct {
	Num  uint64
	Text string
}

// Values is a decoded set: for each field of Set a value or its absence, in the
// order of the table. A nil *Values is an absent set: nothing is in it, and all
// getters answer zero. Getters and setters name a field by the kernel's key and
// panic if the table has none of that name, which is a bug of the caller.
type Values struct {
	Set   *Set
	has   uint64   // bit i: field i is there
	nums  []uint64 // aligned with Set.Fields; for texts the place in texts
	texts []string
}

// New returns an empty Values of the set.
func (s *Set) New() *Values {
	return &Values{Set: s, nums: make([]uint64, len(s.Fields))}
}

// Arena makes Values with few allocations, for decoders. The Values of one arena
// stay in memory together. The zero Arena is ready to use.
type Arena struct {
	values []Values
	nums   []uint64
	texts  []string
	made   int // Values so far: the more there were, the more room is made for
}

// New returns an empty Values of the set.
func (a *Arena) New(s *Set) *Values {
	if len(a.values) == 0 {
		a.values = make([]Values, min(5+a.made, 100))
		a.made += len(a.values)
	}
	v := &a.values[0]
	a.values = a.values[1:]
	v.Set = s
	v.nums, a.nums = cut(a.nums, len(s.Fields), 10*a.made)
	v.texts, a.texts = cut(a.texts, s.textual, a.made)
	v.texts = v.texts[:0]
	return v
}

// cut cuts n elements off room, or off new room if there are less.
func cut[T any](room []T, n, more int) (cut, rest []T) {
	if len(room) < n {
		room = make([]T, max(n, min(more, 1000)))
	}
	return room[:n:n], room[n:]
}

// Empty reports whether no field has a value.
func (v *Values) Empty() bool { return v == nil || v.has == 0 }

// HasAt reports whether the set's i-th field is there.
func (v *Values) HasAt(i int) bool { return v != nil && v.has&(1<<i) != 0 }

// At returns the value of the set's i-th field, and whether it is there.
func (v *Values) At(i int) (Value, bool) {
	if !v.HasAt(i) {
		return Value{}, false
	}
	if v.Set.Fields[i].Kind.Textual() {
		return Value{Text: v.texts[v.nums[i]]}, true
	}
	return Value{Num: v.nums[i]}, true
}

// All yields the fields that have a value, in the order of the table.
func (v *Values) All() iter.Seq2[*Field, Value] {
	return func(yield func(*Field, Value) bool) {
		if v == nil {
			return
		}
		for i := range v.Set.Fields {
			if val, ok := v.At(i); ok && !yield(&v.Set.Fields[i], val) {
				return
			}
		}
	}
}

// Get returns the value of the field named key, and whether it is there.
func (v *Values) Get(key string) (Value, bool) {
	if v == nil {
		return Value{}, false
	}
	return v.At(v.must(key))
}

// Has reports whether the field named key is there.
func (v *Values) Has(key string) bool {
	_, ok := v.Get(key)
	return ok
}

// Uint returns an unsigned number, 0 if it is absent.
func (v *Values) Uint(key string) uint64 {
	val, _ := v.Get(key)
	return val.Num
}

// Int returns a signed number, 0 if it is absent.
func (v *Values) Int(key string) int64 { return int64(v.Uint(key)) }

// Bool returns whether the field is there and not 0.
func (v *Values) Bool(key string) bool { return v.Uint(key) != 0 }

// Str returns a text, "" if it is absent.
func (v *Values) Str(key string) string {
	val, _ := v.Get(key)
	return val.Text
}

// Bytes returns raw bytes, nil if they are absent.
func (v *Values) Bytes(key string) []byte {
	if val, ok := v.Get(key); ok {
		return []byte(val.Text)
	}
	return nil
}

// SetAt gives the set's i-th field a value and returns v.
func (v *Values) SetAt(i int, val Value) *Values {
	if !v.Set.Fields[i].Kind.Textual() {
		v.nums[i] = val.Num
	} else if v.has&(1<<i) != 0 {
		v.texts[v.nums[i]] = val.Text
	} else {
		v.nums[i] = uint64(len(v.texts))
		v.texts = append(v.texts, val.Text)
	}
	v.has |= 1 << i
	return v
}

// Put gives the field, a row of the set's table, a value and returns v.
func (v *Values) Put(f *Field, val Value) *Values {
	return v.SetAt(v.must(f.Key), val)
}

// SetUint sets an unsigned number, flag or enumeration and returns v.
func (v *Values) SetUint(key string, n uint64) *Values {
	return v.SetAt(v.must(key), Value{Num: n})
}

// SetInt sets a signed number and returns v.
func (v *Values) SetInt(key string, n int64) *Values { return v.SetUint(key, uint64(n)) }

// SetBool sets a flag or boolean and returns v.
func (v *Values) SetBool(key string, on bool) *Values {
	if on {
		return v.SetUint(key, 1)
	}
	return v.SetUint(key, 0)
}

// SetStr sets a text and returns v.
func (v *Values) SetStr(key, text string) *Values {
	return v.SetAt(v.must(key), Value{Text: text})
}

// SetBytes sets raw bytes and returns v.
func (v *Values) SetBytes(key string, raw []byte) *Values { return v.SetStr(key, string(raw)) }

// Unset makes the field named key absent.
func (v *Values) Unset(key string) { v.has &^= 1 << v.must(key) }

// Clone returns a copy that shares nothing with v.
func (v *Values) Clone() *Values {
	if v == nil {
		return nil
	}
	c := *v
	c.nums = append([]uint64(nil), v.nums...)
	c.texts = append([]string(nil), v.texts...)
	return &c
}

// Equal reports whether both hold the same fields with the same values. An
// absent set equals an empty one.
func (v *Values) Equal(w *Values) bool {
	if v.Empty() || w.Empty() {
		return v.Empty() && w.Empty()
	}
	if v.Set != w.Set || v.has != w.has {
		return false
	}
	for i := range v.nums {
		a, _ := v.At(i)
		if b, _ := w.At(i); a != b {
			return false
		}
	}
	return true
}

// must returns the place of the row named key.
func (v *Values) must(key string) int {
	i := v.Set.index(key)
	if i < 0 {
		panic("schema: " + v.Set.Name + " has no field " + key)
	}
	return i
}
