package org.luthier.nn.t5;

import java.util.ArrayList;
import java.util.List;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.KeyValues;

/** What a decoder remembers of a batch of sequences: for each block the keys and values of the encoder and of the ids so far. */
public final class DecoderState implements AutoCloseable {
    private final List<KeyValues> encoded = new ArrayList<>();
    private final List<KeyValueCache> before = new ArrayList<>();

    void add(KeyValues ofEncoder, KeyValueCache ofIds) {
        encoded.add(ofEncoder);
        before.add(ofIds);
    }

    KeyValues encoded(int block) {
        return encoded.get(block);
    }

    KeyValueCache before(int block) {
        return before.get(block);
    }

    /** Ids so far. */
    public int length() {
        return before.isEmpty() ? 0 : before.get(0).length();
    }

    /** Sequences still in the batch. */
    public int rows() {
        return before.isEmpty() ? 0 : before.get(0).rows();
    }

    /** Makes row i continue what row {@code sources[i]} was; a row that is no source leaves. */
    public void reorder(int[] sources) {
        encoded.forEach(each -> each.reorder(sources));
        before.forEach(each -> each.reorder(sources));
    }

    /** Forgets the sequences. */
    @Override
    public void close() {
        encoded.forEach(KeyValues::close);
        before.forEach(KeyValues::close);
        encoded.clear();
        before.clear();
    }
}
