package org.luthier.assembler.yourmt3;

import java.util.Comparator;

/** What sounds in a channel, drums apart. */
record Key(int program, int pitch) {
    static final Comparator<Key> ORDER = Comparator.comparingInt(Key::program).thenComparingInt(Key::pitch);
}
