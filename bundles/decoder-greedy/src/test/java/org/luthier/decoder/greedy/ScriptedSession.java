package org.luthier.decoder.greedy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.model.Position;
import org.luthier.api.model.Session;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A session whose scores depend on the segment and on all ids that were fed; wrong feeding, rows and masks are noticed. */
final class ScriptedSession implements Session {
    /** What a model knows. */
    interface Script {
        /** The score of each id after these, the start token not counted. */
        double[] scores(int segment, List<Integer> ids);
    }

    private record Row(int segment, List<Integer> ids) {}

    private final Script script;
    private List<Row> rows;
    /** Rows of each step. */
    final List<Integer> batches = new ArrayList<>();
    /** The ids that each step was fed, by segment. */
    final List<Map<Integer, Integer>> fed = new ArrayList<>();

    ScriptedSession(int segments, Script script) {
        this.script = script;
        rows = IntStream.range(0, segments)
                .mapToObj(segment -> new Row(segment, new ArrayList<>()))
                .toList();
    }

    @Override
    public int rows() {
        return rows.size();
    }

    @Override
    public int[] step(int[] ids, BitSet[] allowed) {
        assertEquals(rows.size(), ids.length, "ids for each row");
        batches.add(ids.length);
        Map<Integer, Integer> ofStep = new TreeMap<>();
        fed.add(ofStep);
        int[] chosen = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            Row row = rows.get(i);
            row.ids.add(ids[i]);
            ofStep.put(row.segment, ids[i]);
            assertEquals(0, row.ids.get(0), "decoding starts with the pad id");
            double[] scores = script.scores(row.segment, List.copyOf(row.ids.subList(1, row.ids.size())));
            chosen[i] = -1;
            for (int id = 0; id < scores.length; id++) {
                if ((allowed == null || allowed[i].get(id)) && (chosen[i] < 0 || scores[id] > scores[chosen[i]])) {
                    chosen[i] = id;
                }
            }
        }
        return chosen;
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
    public INDArray logits() {
        throw new AssertionError("greedy search needs none");
    }

    @Override
    public void reorder(int[] sources) {
        throw new AssertionError("greedy search keeps its rows");
    }

    @Override
    public void close() {
        throw new AssertionError("closed by who opened it");
    }
}
