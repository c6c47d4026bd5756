package org.luthier.api.tokens;

import java.util.BitSet;

/** Where one row stands in the grammar of events: which ids may come next. Mutable, used by one thread. */
public interface Grammar {
    /** The ids allowed next; valid until the next {@link #advance}, not to be changed. */
    BitSet allowed();

    /** Takes an id, allowed or not. */
    void advance(int id);

    /** An independent cursor at the same place, for beam search. */
    Grammar copy();
}
