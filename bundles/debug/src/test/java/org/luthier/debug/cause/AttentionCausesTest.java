package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;
import org.luthier.api.model.Computation;
import org.luthier.debug.RecordedTensor;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Faults of the three steps of attention, and of a cache. */
class AttentionCausesTest {
    private static final int N = 14;
    private static final int HEADS = 3;
    private static final int SIZE = 8;
    private static final int WIDTH = HEADS * SIZE;
    private static final float[] Q = Bench.random(1, N * WIDTH, 0.5);
    private static final float[] K = Bench.random(2, N * WIDTH, 0.5);
    private static final float[] V = Bench.random(3, N * WIDTH);
    private static final IntBinaryOperator BY_HEADS = (head, i) -> head * SIZE + i;
    private static final IntBinaryOperator BY_ENTRIES = (head, i) -> i * HEADS + head;

    private interface Sees {
        boolean sees(int query, int key);
    }

    private static final Sees CAUSAL = (query, key) -> key <= query;

    private static float[] scores(float[] q, float[] k, IntBinaryOperator place, Sees mask) {
        float[] scores = new float[HEADS * N * N];
        for (int h = 0; h < HEADS; h++) {
            for (int a = 0; a < N; a++) {
                for (int b = 0; b < N; b++) {
                    double sum = mask.sees(a, b) ? 0 : KeyValues.MASKED;
                    for (int i = 0; i < SIZE; i++) {
                        sum += q[a * WIDTH + place.applyAsInt(h, i)] * k[b * WIDTH + place.applyAsInt(h, i)];
                    }
                    scores[(h * N + a) * N + b] = (float) sum;
                }
            }
        }
        return scores;
    }

    private static float[] softmax(float[] scores) {
        float[] y = new float[scores.length];
        for (int row = 0; row < y.length / N; row++) {
            double sum = 0;
            for (int i = 0; i < N; i++) {
                sum += Math.exp(scores[row * N + i]);
            }
            for (int i = 0; i < N; i++) {
                y[row * N + i] = (float) (Math.exp(scores[row * N + i]) / sum);
            }
        }
        return y;
    }

    private static float[] mixture(float[] p, IntBinaryOperator from, IntBinaryOperator to) {
        float[] y = new float[N * WIDTH];
        for (int h = 0; h < HEADS; h++) {
            for (int a = 0; a < N; a++) {
                for (int i = 0; i < SIZE; i++) {
                    double sum = 0;
                    for (int b = 0; b < N; b++) {
                        sum += p[(h * N + a) * N + b] * V[b * WIDTH + from.applyAsInt(h, i)];
                    }
                    y[a * WIDTH + to.applyAsInt(h, i)] = (float) sum;
                }
            }
        }
        return y;
    }

    private static Bench bench() {
        Map<String, Object> heads = Map.of("heads", (long) HEADS);
        return new Bench()
                .computation(
                        "a.logits",
                        Computation.SCORES,
                        List.of("a.q", "a.k"),
                        Map.of(),
                        Map.of("heads", (long) HEADS, "factor", 1.0, "causal", true))
                .computation("a.probs", Computation.SOFTMAX, List.of("a.logits"), Map.of(), Map.of())
                .computation("a.context", Computation.MIXTURE, List.of("a.probs", "a.v"), Map.of(), heads)
                .given("a.q", Q, 1, N, WIDTH)
                .given("a.k", K, 1, N, WIDTH)
                .given("a.v", V, 1, N, WIDTH);
    }

    private static float[] good() {
        return scores(Q, K, BY_HEADS, CAUSAL);
    }

    private static void scored(String cause, float[] run) {
        bench().made("a.logits", run, good(), 1, HEADS, N, N).assertCause(cause, "a.logits");
    }

    @Test
    void faultsOfScoresAreNamed() {
        scored("heads split or ordered otherwise", scores(Q, K, BY_ENTRIES, CAUSAL));
        scored("heads split or ordered otherwise", Bench.from(good(), i -> (i + N * N) % (HEADS * N * N)));
        scored("q and k swapped", scores(K, Q, BY_HEADS, CAUSAL));
        scored("missing or doubled scale", Bench.each(good(), v -> v < -1e9 ? v : v / Math.sqrt(SIZE)));
        scored("sign", Bench.each(good(), v -> v < -1e9 ? v : -v));
        float[] without = good();
        Arrays.fill(without, N * N, 2 * N * N, 0);
        scored("a head missing", without);
    }

    /** Masked scores are not judged, so that a mask shows in the probabilities. */
    private static void masked(String cause, Sees run, Sees reference) {
        float[] a = scores(Q, K, BY_HEADS, run);
        float[] b = scores(Q, K, BY_HEADS, reference);
        bench().made("a.logits", a, b, 1, HEADS, N, N)
                .made("a.probs", softmax(a), softmax(b), 1, HEADS, N, N)
                .assertCause(cause, "a.probs");
    }

    @Test
    void faultsOfTheMaskAreNamed() {
        masked("mask", (query, key) -> true, CAUSAL);
        masked("mask", CAUSAL, (query, key) -> true);
        masked("mask", (query, key) -> key <= query + 1, CAUSAL);
        masked("mask", (query, key) -> key < query || key == 0, CAUSAL);
        masked("cache holding only the newest key", (query, key) -> key == query, CAUSAL);
    }

    private static void softened(String cause, float[] run) {
        bench().made("a.logits", good(), good(), 1, HEADS, N, N)
                .made("a.probs", run, softmax(good()), 1, HEADS, N, N)
                .assertCause(cause, "a.probs");
    }

    @Test
    void faultsOfTheSoftmaxAreNamed() {
        softened("missing or doubled scale", softmax(Bench.each(good(), v -> v / Math.sqrt(SIZE))));
        float[] over = new float[HEADS * N * N];
        for (int i = 0; i < over.length; i++) {
            double sum = 0;
            for (int a = 0; a < N; a++) {
                sum += Math.exp(good()[i / (N * N) * N * N + a * N + i % N]);
            }
            over[i] = (float) (Math.exp(good()[i]) / sum);
        }
        softened("softmax over the wrong axis", over);
    }

    private static void mixed(String cause, float[] run) {
        float[] p = softmax(good());
        bench().given("a.probs", p, 1, HEADS, N, N)
                .made("a.context", run, mixture(p, BY_HEADS, BY_HEADS), 1, N, WIDTH)
                .assertCause(cause, "a.context");
    }

    @Test
    void faultsOfTheMixtureAreNamed() {
        float[] p = softmax(good());
        float[] whole = mixture(p, BY_HEADS, BY_HEADS);
        mixed("heads split or ordered otherwise", mixture(p, BY_HEADS, BY_ENTRIES));
        mixed("heads split or ordered otherwise", mixture(p, BY_ENTRIES, BY_HEADS));
        mixed(
                "heads split or ordered otherwise",
                Bench.from(whole, i -> i / WIDTH * WIDTH + (i % WIDTH + SIZE) % WIDTH));
        float[] without = whole.clone();
        for (int i = 0; i < without.length; i++) {
            without[i] = i % WIDTH < SIZE ? 0 : without[i];
        }
        mixed("a head missing", without);
        mixed("cache holding only the newest key", V);
    }

    /** A run step by step whose cache forgets: one key at every step, where a run at once has all. */
    @Test
    void aCacheOfOneKeyIsNamedByItsShape() {
        float[] newest = new float[HEADS * N];
        float[] all = good();
        for (int i = 0; i < newest.length; i++) {
            newest[i] = all[i * N + i % N];
        }
        bench().run("a.logits", newest, 1, HEADS, N, 1)
                .reference("a.logits", all, 1, HEADS, N, N)
                .assertCause("cache holding only the newest key", "a.logits");
    }

    /** Steps of a healthy run have only the keys so far. */
    @Test
    void keysThatWereNotThereYetAreNoFault() {
        float[] steps = good();
        float[] probabilities = softmax(good());
        for (int i = 0; i < steps.length; i++) {
            if (i % N > i / N % N) {
                steps[i] = RecordedTensor.ABSENT;
                probabilities[i] = RecordedTensor.ABSENT;
            }
        }
        float[] context = mixture(softmax(good()), BY_HEADS, BY_HEADS);
        bench().made("a.logits", steps, good(), 1, HEADS, N, N)
                .made("a.probs", probabilities, softmax(good()), 1, HEADS, N, N)
                .made("a.context", Bench.each(context, v -> 2 * v), context, 1, N, WIDTH)
                .assertCause("missing or doubled scale", "a.context");
    }

    @Test
    void theOraclesAreTheKernels() {
        Kernels kernels = Kernels.named("plain");
        try (Scratch scratch = new Scratch();
                KeyValues memory = kernels.keyValues(new Heads(HEADS, SIZE, 1), tensor(K), tensor(V))) {
            INDArray scores = Nd4j.create(DataType.FLOAT, 1, HEADS, N, N);
            memory.scores(tensor(Q), true, scores, scratch);
            float[] logits = scores.dup('c').data().asFloat();
            kernels.softmax(scores);
            float[] probabilities = scores.dup('c').data().asFloat();
            INDArray context = Nd4j.create(DataType.FLOAT, 1, N, WIDTH);
            memory.mix(scores, context, scratch);
            Bench bench = bench().run("a.probs", probabilities, 1, HEADS, N, N)
                    .run("a.context", context.dup('c').data().asFloat(), 1, N, WIDTH)
                    .run("a.logits", logits, 1, HEADS, N, N);
            // Rounding of float32.
            assertEquals(0, bench.oracleError("a.probs"), 1e-6);
            assertEquals(0, bench.oracleError("a.context"), 1e-6);
        }
    }

    private static INDArray tensor(float[] values) {
        return Nd4j.create(values, new long[] {1, N, WIDTH}, 'c');
    }
}
