package org.luthier.debug;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.checkpoint.Ledger;
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

    private record Node(String name, List<Layer> children, List<String> taps) implements Layer {}

    @Override
    public Layer root() {
        Layer decoder = new Node(
                "decoder",
                List.of(),
                List.of("decoder.embedded", "decoder.scores", "decoder.probs", "decoder.out", "decoder.logits"));
        Layer encoder = new Node("encoder", List.of(), List.of("encoder"));
        return new Node("tiny", List.of(frontend().layer(), encoder, decoder), List.of());
    }

    @Override
    public Frontend frontend() {
        return new TinyModel().frontend();
    }

    @Override
    public ModelDefinition definition() {
        return new ModelDefinition(
                "tokens", "", "tokens", "t", "d", "a", Map.of(), "none", List.of(), "", "", Path.of("nowhere"));
    }

    @Override
    public TokenLayout layout() {
        Vocabulary vocabulary =
                new Vocabulary("tiny", IDS, 0, END, List.of(new Vocabulary.Range("special", 0, IDS, 0)));
        return new TokenLayout(vocabulary, IDS, channels, 12, 0.08);
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

    private final class TinySession implements Session {
        private final Probe probe;
        private List<Row> rows = new ArrayList<>();

        TinySession(Probe probe) {
            this.probe = probe;
        }

        @Override
        public void begin(INDArray features, Position at) {
            INDArray encoded = features.mul(scale);
            probe.offer("encoder", at, encoded);
            beginEncoded(encoded, at);
        }

        @Override
        public INDArray encoded() {
            throw new UnsupportedOperationException("not needed here");
        }

        @Override
        public void beginEncoded(INDArray encoded, Position at) {
            rows = new ArrayList<>();
            for (int segment = 0; segment < at.rows(); segment++) {
                float heard = encoded.slice(segment).meanNumber().floatValue();
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
            float[][][] embedded = new float[rows.size()][count][];
            float[][][][] scores = new float[rows.size()][1][count][keys];
            float[][][][] probs = new float[rows.size()][1][count][keys];
            float[][][] out = new float[rows.size()][count][WIDTH];
            float[][][] logits = new float[rows.size()][count][IDS];
            for (int r = 0; r < rows.size(); r++) {
                Row row = rows.get(r);
                for (int q = 0; q < count; q++) {
                    float[] line = table[prompts.get(r).get(q)].clone();
                    line[0] += 0.1f * (first + q);
                    row.fed().add(line);
                    embedded[r][q] = line;
                }
                for (int q = 0; q < count; q++) {
                    attend(row, first + q, onlyNewest, scores[r][0][q], probs[r][0][q], out[r][q]);
                    for (int id = 0; id < IDS; id++) {
                        logits[r][q][id] = dot(out[r][q], head[id]) + (id == END ? 0.35f * (first + q) - 2 : 0);
                    }
                }
            }
            Position at = new Position(IntLists.immutable.ofAll(rows.stream().mapToInt(Row::slot)), channels, first);
            probe.offer("decoder.embedded", at, Nd4j.createFromArray(embedded));
            probe.offer("decoder.scores", at, Nd4j.createFromArray(scores));
            probe.offer("decoder.probs", at, Nd4j.createFromArray(probs));
            probe.offer("decoder.out", at, Nd4j.createFromArray(out));
            probe.offer("decoder.logits", at, Nd4j.createFromArray(logits));
            float[][] last = new float[rows.size()][];
            for (int r = 0; r < last.length; r++) {
                last[r] = logits[r][count - 1];
            }
            return last;
        }

        private void attend(Row row, int query, boolean onlyNewest, float[] scores, float[] probs, float[] out) {
            double sum = 0;
            for (int k = 0; k < scores.length; k++) {
                boolean seen = k <= query && (!onlyNewest || k == query);
                scores[k] = dot(row.fed().get(query), row.fed().get(k)) + (seen ? 0 : -1e10f);
                probs[k] = (float) Math.exp(scores[k]);
                sum += probs[k];
            }
            for (int k = 0; k < probs.length; k++) {
                probs[k] /= (float) sum;
                out[0] += probs[k] * row.fed().get(k)[0];
                out[1] += probs[k] * row.fed().get(k)[1] + probs[k] * row.heard();
            }
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
