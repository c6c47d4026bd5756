package org.luthier.decoder.beam;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A session whose logits depend on the segment and on all ids that its row was fed, so that a row in the wrong place is noticed. */
final class ScriptedSession implements Session {
    /** What a model knows. */
    interface Script {
        /** The logit of each id after these, the start token not counted. */
        float[] logits(int segment, List<Integer> ids);
    }

    private record Row(int segment, List<Integer> ids) {
        Row and(int id) {
            List<Integer> more = new ArrayList<>(ids);
            more.add(id);
            return new Row(segment, more);
        }
    }

    private final Script script;
    private List<Row> rows;
    private INDArray logits;
    /** Rows of each step. */
    final List<Integer> batches = new ArrayList<>();

    int reorders;

    ScriptedSession(int segments, Script script) {
        this.script = script;
        rows = IntStream.range(0, segments)
                .mapToObj(segment -> new Row(segment, List.of()))
                .toList();
    }

    @Override
    public int rows() {
        return rows.size();
    }

    @Override
    public int[] step(int[] ids, BitSet[] allowed) {
        assertEquals(rows.size(), ids.length, "ids for each row");
        assertNull(allowed, "a beam search chooses itself");
        batches.add(ids.length);
        rows = IntStream.range(0, ids.length)
                .mapToObj(i -> rows.get(i).and(ids[i]))
                .toList();
        float[][] values = new float[ids.length][];
        int[] chosen = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            List<Integer> fed = rows.get(i).ids;
            assertEquals(0, fed.get(0), "decoding starts with the pad id");
            values[i] = script.logits(rows.get(i).segment, fed.subList(1, fed.size()));
            for (int id = 0; id < values[i].length; id++) {
                chosen[i] = values[i][id] > values[i][chosen[i]] ? id : chosen[i];
            }
        }
        logits = Nd4j.create(values);
        return chosen;
    }

    @Override
    public INDArray logits() {
        return logits;
    }

    @Override
    public void reorder(int[] sources) {
        reorders++;
        retain(sources);
    }

    @Override
    public void retain(int[] kept) {
        assertFalse(kept.length == 0, "a batch of no rows");
        rows = IntStream.of(kept).mapToObj(rows::get).toList();
    }

    @Override
    public void begin(INDArray features, Position at) {
        throw new AssertionError("has begun");
    }

    @Override
    public INDArray encoded() {
        throw new AssertionError("not asked for");
    }

    @Override
    public void beginEncoded(INDArray encoded, Position at) {
        throw new AssertionError("has begun");
    }

    @Override
    public void prefill(List<? extends IntList> prompts) {
        throw new AssertionError("no prompts");
    }

    @Override
    public void close() {
        throw new AssertionError("closed by who opened it");
    }
}
