package org.luthier.debug;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.tokens.Vocabulary;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A whole token model in a few lines: the tiny front end, an encoder that scales, and a decoder with one causal head over what it was fed,
 * which grows more and more inclined to end, and never says padding. Numbers are made up from a seed.
 */
final class TinyTokenModel implements TokenModel {
    static final List<String> ALL = List.of(
            "frontend.in",
            "frontend.magnitude",
            "frontend.log",
            "encoder",
            "decoder.input_ids",
            "decoder.embedded",
            "decoder.scores",
            "decoder.probs",
            "decoder.out",
            "decoder.logits",
            "decoder.tokens");

    private static final int WIDTH = 2;
    private static final int IDS = 8;
    private static final int END = 1;

    private final int channels;
    private final float[][] table = new float[IDS][WIDTH];
    private final float[][] head = new float[IDS][WIDTH];
    private float scale = 0.2f;
    private boolean forgetful;
    private int end = END;
    private int earliestEnd;
    private final Set<String> faulty = new HashSet<>();

    TinyTokenModel(int channels) {
        this.channels = channels;
        Random random = new Random(3);
        for (float[][] matrix : List.of(table, head)) {
            for (float[] line : matrix) {
                line[0] = (float) random.nextGaussian();
                line[1] = (float) random.nextGaussian();
            }
        }
    }

    TinyTokenModel() {
        this(1);
    }

    /** With another scale in its encoder. */
    TinyTokenModel scaled(float other) {
        scale = other;
        return this;
    }

    /** With a decoder that sees, step by step, only what it was fed last: as if its cache were lost. */
    TinyTokenModel forgetful() {
        forgetful = true;
        return this;
    }

    /** With another end id, which ends a row from a place on. */
    TinyTokenModel ending(int id, int place) {
        end = id;
        earliestEnd = place;
        return this;
    }

    /** With layers that make half as much again of some tensors as they should. */
    TinyTokenModel faulty(String... taps) {
        faulty.addAll(List.of(taps));
        return this;
    }

    private record Node(String name, List<Layer> children, List<String> taps, List<Computation> computations)
            implements Layer {
        static Node of(String name, Computation... computations) {
            return new Node(
                    name,
                    List.of(),
                    Stream.of(computations).map(Computation::output).toList(),
                    List.of(computations));
        }
    }

    private static Computation made(String output, String... inputs) {
        return new Computation(output, "made up", List.of(inputs), Map.of(), Map.of());
    }

    @Override
    public Layer root() {
        Layer decoder = Node.of(
                "decoder",
                made("decoder.embedded", Tracer.IDS),
                made("decoder.scores", "decoder.embedded"),
                made("decoder.probs", "decoder.scores"),
                made("decoder.out", "decoder.probs", "decoder.embedded", "encoder"),
                made("decoder.logits", "decoder.out"));
        Layer encoder = Node.of("encoder", made("encoder", "frontend.log"));
        return new Node("tiny", List.of(frontend().layer(), encoder, decoder), List.of(), List.of());
    }

    @Override
    public Frontend frontend() {
        return new TinyModel().frontend();
    }

    @Override
    public ModelDefinition definition() {
        return new ModelDefinition(
                "tokens", "", "tokens", "t", "d", "a", null, Map.of(), "none", List.of(), "", "", Path.of("nowhere"));
    }

    @Override
    public TokenLayout layout() {
        Vocabulary vocabulary =
                new Vocabulary("tiny", IDS, 0, end, List.of(new Vocabulary.Range("special", 0, IDS, 0)));
        return new TokenLayout(vocabulary, IDS, channels, 12, 0.08);
    }

    @Override
    public int earliestEnd() {
        return earliestEnd;
    }

    @Override
    public Ledger ledger() {
        return new Ledger("nowhere", "", "tokens", List.of());
    }

    @Override
    public void close() {}

    @Override
    public Session open(int rows, Probe probe) {
        return new TinySession(probe);
    }

    /** One row: what it hears, and what it was fed so far. */
    private record Row(int slot, float heard, List<float[]> fed) {}

    private interface Place {
        void make(int row, int query);
    }

    private final class TinySession implements Session {
        private final Probe probe;
        private List<Row> rows = new ArrayList<>();
        private INDArray encoded;

        TinySession(Probe probe) {
            this.probe = probe;
        }

        @Override
        public void begin(INDArray features, Position at) {
            encoded = features.mul(scale);
            offer("encoder", at, encoded);
            beginEncoded(encoded, at);
        }

        /** Spoils a tensor if that is asked for, and offers it. */
        private void offer(String name, Position at, INDArray tensor) {
            if (faulty.contains(name)) {
                tensor.muli(1.5f);
            }
            probe.offer(name, at, tensor);
        }

        @Override
        public INDArray encoded() {
            return encoded;
        }

        @Override
        public void beginEncoded(INDArray kept, Position at) {
            rows = new ArrayList<>();
            for (int segment = 0; segment < at.rows(); segment++) {
                float heard = kept.slice(segment).meanNumber().floatValue();
                for (int channel = 0; channel < channels; channel++) {
                    rows.add(new Row(at.segment(segment) * channels + channel, heard + channel, new ArrayList<>()));
                }
            }
        }

        @Override
        public int rows() {
            return rows.size();
        }

        @Override
        public void prefill(List<? extends IntList> prompts) {
            feed(prompts, false);
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            float[][] logits = feed(
                    IntStream.of(ids).mapToObj(id -> IntLists.immutable.of(id)).toList(), forgetful);
            int[] chosen = new int[logits.length];
            for (int row = 0; row < chosen.length; row++) {
                chosen[row] = 1;
                for (int id = 2; id < IDS; id++) {
                    chosen[row] = logits[row][id] > logits[row][chosen[row]] ? id : chosen[row];
                }
            }
            return chosen;
        }

        /** Takes ids and gives the logits after the last of them, [rows][ids]. */
        private float[][] feed(List<? extends IntList> prompts, boolean onlyNewest) {
            int first = rows.get(0).fed().size();
            int count = prompts.get(0).size();
            int keys = first + count;
            Position at = new Position(IntLists.immutable.ofAll(rows.stream().mapToInt(Row::slot)), channels, first);

            INDArray embedded = Nd4j.create(rows.size(), count, WIDTH);
            forEach(count, (r, q) -> {
                float[] line = table[prompts.get(r).get(q)];
                embedded.putScalar(new int[] {r, q, 0}, line[0] + 0.1f * (first + q));
                embedded.putScalar(new int[] {r, q, 1}, line[1]);
            });
            offer("decoder.embedded", at, embedded);
            forEach(count, (r, q) -> rows.get(r).fed().add(line(embedded, r, q)));

            INDArray scores = Nd4j.create(rows.size(), 1, count, keys);
            forEach(count, (r, q) -> {
                List<float[]> fed = rows.get(r).fed();
                for (int k = 0; k < keys; k++) {
                    boolean seen = k <= first + q && (!onlyNewest || k == first + q);
                    scores.putScalar(new int[] {r, 0, q, k}, dot(fed.get(first + q), fed.get(k)) + (seen ? 0 : -1e10f));
                }
            });
            offer("decoder.scores", at, scores);

            INDArray probs = Nd4j.create(rows.size(), 1, count, keys);
            forEach(count, (r, q) -> {
                double sum = 0;
                for (int k = 0; k < keys; k++) {
                    sum += Math.exp(scores.getFloat(r, 0, q, k));
                }
                for (int k = 0; k < keys; k++) {
                    probs.putScalar(new int[] {r, 0, q, k}, (float) (Math.exp(scores.getFloat(r, 0, q, k)) / sum));
                }
            });
            offer("decoder.probs", at, probs);

            INDArray out = Nd4j.create(rows.size(), count, WIDTH);
            forEach(count, (r, q) -> {
                float[] mixed = new float[WIDTH];
                for (int k = 0; k < keys; k++) {
                    float prob = probs.getFloat(r, 0, q, k);
                    mixed[0] += prob * rows.get(r).fed().get(k)[0];
                    mixed[1] += prob * rows.get(r).fed().get(k)[1]
                            + prob * rows.get(r).heard();
                }
                out.putScalar(new int[] {r, q, 0}, mixed[0]);
                out.putScalar(new int[] {r, q, 1}, mixed[1]);
            });
            offer("decoder.out", at, out);

            INDArray logits = Nd4j.create(rows.size(), count, IDS);
            forEach(count, (r, q) -> {
                for (int id = 0; id < IDS; id++) {
                    logits.putScalar(
                            new int[] {r, q, id},
                            dot(line(out, r, q), head[id]) + (id == END ? 0.35f * (first + q) - 2 : 0));
                }
            });
            offer("decoder.logits", at, logits);

            float[][] last = new float[rows.size()][IDS];
            for (int r = 0; r < last.length; r++) {
                for (int id = 0; id < IDS; id++) {
                    last[r][id] = logits.getFloat(r, count - 1, id);
                }
            }
            return last;
        }

        private void forEach(int count, Place place) {
            for (int r = 0; r < rows.size(); r++) {
                for (int q = 0; q < count; q++) {
                    place.make(r, q);
                }
            }
        }

        private static float[] line(INDArray tensor, int row, int query) {
            return new float[] {tensor.getFloat(row, query, 0), tensor.getFloat(row, query, 1)};
        }

        private static float dot(float[] a, float[] b) {
            return a[0] * b[0] + a[1] * b[1];
        }

        @Override
        public INDArray logits() {
            throw new UnsupportedOperationException("not needed here");
        }

        @Override
        public void reorder(int[] sources) {
            throw new UnsupportedOperationException("not needed here");
        }

        @Override
        public void retain(int[] kept) {
            rows = new ArrayList<>(IntStream.of(kept).mapToObj(rows::get).toList());
        }

        @Override
        public void close() {}
    }
}
