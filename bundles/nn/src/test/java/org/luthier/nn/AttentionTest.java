package org.luthier.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.fastKernels;
import static org.luthier.nn.Tensors.tensor;
import static org.luthier.nn.Tensors.tolerance;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.nn.Memory.Place;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Attention against the plain loops: in one and in three steps, over the caller's memory and over a cache that grows, shrinks and is reordered. */
class AttentionTest {
    private static final Kernels ORACLE = Kernels.named("plain");

    private static final List<Heads> HEADS = List.of(
            new Heads(1, 1, 1),
            new Heads(1, 13, 0.5f),
            new Heads(3, 5, 1),
            new Heads(6, 64, 0.125f),
            new Heads(7, 13, 0.25f));

    /** Kernels, heads, and {rows, queries, length}. */
    private static Stream<Arguments> cases() {
        int[][] sizes = {{1, 1, 1}, {3, 1, 13}, {5, 1, 207}, {1, 13, 13}, {2, 4, 13}, {2, 17, 207}, {2, 1, 1}};
        return fastKernels()
                .flatMap(kernels -> HEADS.stream()
                        .flatMap(heads -> Stream.of(sizes).map(size -> Arguments.of(kernels, heads, size))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void overMemoryOfTheCaller(Kernels kernels, Heads heads, int[] size) {
        Random random = new Random(1);
        for (Memory memory : Memory.values()) {
            INDArray keys = memory.random(random, size[0], size[2], heads.width());
            INDArray values = memory.next().random(random, size[0], size[2], heads.width());
            INDArray queries = memory.next().next().random(random, size[0], size[1], heads.width());
            INDArray keysBefore = keys.dup('c');
            INDArray valuesBefore = values.dup('c');
            try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                    KeyValues tested = kernels.keyValues(heads, keys, values);
                    Scratch scratch = new Scratch()) {
                assertSame(oracle, tested);
                assertAttends(oracle, tested, queries, memory, scratch);
            }
            assertClose(keysBefore, keys, 0);
            assertClose(valuesBefore, values, 0);
        }
    }

    /** Queries, keys and values are column slices of one product, as a fused projection leaves them. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void overSlicesOfOneProduct(Kernels kernels) {
        Random random = new Random(2);
        Heads heads = new Heads(6, 64, 0.125f);
        int width = heads.width();
        for (int rows : new int[] {1, 3}) {
            for (int length : new int[] {1, 13}) {
                INDArray fused = Memory.WHOLE.random(random, (long) rows * length, 3L * width);
                INDArray queries = slice(fused, 0, width, rows);
                INDArray keys = slice(fused, width, 2 * width, rows);
                INDArray values = slice(fused, 2 * width, 3 * width, rows);
                try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                        KeyValues tested = kernels.keyValues(heads, keys, values);
                        KeyValueCache cache = kernels.cache(heads, rows);
                        Scratch scratch = new Scratch()) {
                    cache.append(keys, values);
                    assertAttends(oracle, tested, queries, Memory.COLUMNS, scratch);
                    assertAttends(oracle, cache, queries, Memory.COLUMNS, scratch);
                    fused.assign(Float.NaN); // the cache has its own
                    INDArray output = Memory.WHOLE.empty(rows, length, width);
                    cache.attend(Memory.WHOLE.random(random, rows, length, width), true, output, scratch);
                    assertTrue(Float.isFinite(output.sumNumber().floatValue()));
                }
            }
        }
    }

    private static INDArray slice(INDArray matrix, int from, int to, int rows) {
        return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to))
                .reshape('c', true, rows, matrix.size(0) / rows, to - from);
    }

    /** Memory of positions at equal distances is not copied: it may be filled after keys and values were made over it. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void memoryMayBeFilledLater(Kernels kernels) {
        Random random = new Random(3);
        Heads heads = new Heads(3, 5, 1);
        for (Memory memory : List.of(Memory.WHOLE, Memory.ROWS, Memory.COLUMNS)) {
            INDArray keys = memory.empty(2, 13, 15);
            INDArray values = memory.empty(2, 13, 15);
            try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                    KeyValues tested = kernels.keyValues(heads, keys, values);
                    Scratch scratch = new Scratch()) {
                keys.assign(Memory.WHOLE.random(random, 2, 13, 15));
                values.assign(Memory.WHOLE.random(random, 2, 13, 15));
                assertAttends(oracle, tested, memory.random(random, 2, 1, 15), memory, scratch);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void rowsOfTheCallerLeaveAndRepeat(Kernels kernels) {
        int[][] selections = {
            {0, 1, 2, 3, 4, 5, 6}, // nothing happens
            {6, 5, 4, 3, 2, 1, 0},
            {0, 0, 3, 3, 3, 6, 1}, // some repeat, some are gone
            {0, 1, 2, 3, 4, 5, 6, 0, 6}, // more than there were
            {8, 2, 5, 7, 0},
            {4, 1},
            {1, 1, 0, 0, 1},
            {4, 2, 0},
            {1},
            {0, 0, 0}
        };
        for (Memory memory : Memory.values()) {
            Random random = new Random(4);
            Heads heads = new Heads(3, 5, 1);
            INDArray keys = memory.random(random, 7, 13, 15);
            INDArray values = memory.next().random(random, 7, 13, 15);
            INDArray keysBefore = keys.dup('c');
            INDArray valuesBefore = values.dup('c');
            try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                    KeyValues tested = kernels.keyValues(heads, keys, values);
                    Scratch scratch = new Scratch()) {
                for (int[] selection : selections) {
                    oracle.reorder(selection);
                    tested.reorder(selection);
                    assertSame(oracle, tested);
                    for (int n : new int[] {1, 4}) {
                        INDArray queries = memory.random(random, oracle.rows(), n, 15);
                        assertAttends(oracle, tested, queries, memory, scratch);
                    }
                }
            }
            assertClose(keysBefore, keys, 0);
            assertClose(valuesBefore, values, 0);
        }
    }

    /** A greedy decoding: one position a step, through every size of block, while rows finish. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void cacheOfManySteps(Kernels kernels) {
        Random random = new Random(5);
        Heads heads = new Heads(3, 16, 0.25f);
        try (KeyValueCache oracle = ORACLE.cache(heads, 10);
                KeyValueCache tested = kernels.cache(heads, 10);
                Scratch scratch = new Scratch()) {
            Memory memory = Memory.WHOLE;
            for (int step = 0; step < 300; step++) {
                append(random, memory, 1, oracle, tested);
                if (step % 31 == 30) {
                    int[] kept = IntStream.range(0, oracle.rows())
                            .filter(row -> row != oracle.rows() / 2)
                            .toArray();
                    oracle.reorder(kept);
                    tested.reorder(kept);
                }
                assertSame(oracle, tested);
                INDArray queries = memory.random(random, oracle.rows(), 1, heads.width());
                assertAttends(oracle, tested, queries, memory, scratch);
                memory = memory.next();
            }
            assertEquals(1, tested.rows());
        }
    }

    /** A beam search: every row becomes several, then the best go on, often several of one. */
    @ParameterizedTest
    @MethodSource("org.luthier.nn.Tensors#fastKernels")
    void cacheOfBeams(Kernels kernels) {
        Random random = new Random(6);
        Heads heads = new Heads(3, 5, 1);
        try (KeyValueCache oracle = ORACLE.cache(heads, 2);
                KeyValueCache tested = kernels.cache(heads, 2);
                Scratch scratch = new Scratch()) {
            append(random, Memory.WHOLE, 3, oracle, tested);
            int[] wider = {0, 0, 0, 0, 1, 1, 1, 1};
            oracle.reorder(wider);
            tested.reorder(wider);
            for (int step = 0; step < 70; step++) {
                append(random, Memory.COLUMNS, 1, oracle, tested);
                assertSame(oracle, tested);
                INDArray queries = Memory.ROWS.random(random, 8, 1, heads.width());
                assertAttends(oracle, tested, queries, Memory.WINDOW, scratch);
                int[] sources = IntStream.range(0, 8)
                        .map(row -> row / 4 * 4 + random.nextInt(4))
                        .toArray();
                oracle.reorder(sources);
                tested.reorder(sources);
            }
        }
    }

    private static Stream<Arguments> sequences() {
        return fastKernels().flatMap(kernels -> IntStream.range(0, 12).mapToObj(seed -> Arguments.of(kernels, seed)));
    }

    /** Anything after anything. */
    @ParameterizedTest
    @MethodSource("sequences")
    void cacheThroughRandomSequences(Kernels kernels, int seed) {
        Random random = new Random(seed);
        Heads heads = HEADS.get(seed % HEADS.size());
        int rows = 1 + random.nextInt(7);
        List<String> done = new ArrayList<>();
        try (KeyValueCache oracle = ORACLE.cache(heads, rows);
                KeyValueCache tested = kernels.cache(heads, rows);
                Scratch scratch = new Scratch()) {
            append(random, Memory.WINDOW, 1 + random.nextInt(20), oracle, tested);
            for (int step = 0; step < 40; step++) {
                Memory memory = Memory.values()[random.nextInt(Memory.values().length)];
                int now = oracle.rows();
                switch (random.nextInt(6)) {
                    case 0, 1 -> append(random, memory, 1, oracle, tested);
                    case 2 ->
                        append(random, memory, random.nextInt(3) == 0 ? 70 : 2 + random.nextInt(6), oracle, tested);
                    case 3 -> {
                        int[] kept = IntStream.range(0, now)
                                .filter(row -> random.nextInt(4) > 0)
                                .toArray();
                        if (kept.length > 0) {
                            oracle.reorder(kept);
                            tested.reorder(kept);
                        }
                    }
                    default -> {
                        int[] sources =
                                random.ints(1 + random.nextInt(9), 0, now).toArray();
                        oracle.reorder(sources);
                        tested.reorder(sources);
                    }
                }
                assertSame(oracle, tested);
                int n = 1 + random.nextInt(Math.min(5, oracle.length()));
                INDArray queries = memory.random(random, oracle.rows(), n, heads.width());
                assertAttends(oracle, tested, queries, memory, scratch);
            }
        }
    }

    private static void append(Random random, Memory memory, int n, KeyValueCache... caches) {
        INDArray keys =
                memory.random(random, caches[0].rows(), n, caches[0].heads().width());
        INDArray values = memory.next()
                .random(random, caches[0].rows(), n, caches[0].heads().width());
        for (KeyValueCache cache : caches) {
            cache.append(keys, values);
        }
    }

    private static void assertSame(KeyValues oracle, KeyValues tested) {
        assertEquals(oracle.heads(), tested.heads());
        assertEquals(oracle.rows(), tested.rows());
        assertEquals(oracle.length(), tested.length());
    }

    /** The whole, each step alone, and the steps one after the other. */
    private static void assertAttends(
            KeyValues oracle, KeyValues tested, INDArray queries, Memory memory, Scratch scratch) {
        Heads heads = oracle.heads();
        long n = queries.size(1);
        INDArray before = queries.dup('c');
        for (boolean causal : new boolean[] {false, true}) {
            INDArray scores = Memory.WHOLE.empty(oracle.rows(), heads.count(), n, oracle.length());
            oracle.scores(queries, causal, scores, scratch);
            Place got = memory.place(scores.shape());
            tested.scores(queries, causal, got.tensor(), scratch);
            // Masked ones are -1e10 and more or less, which floats have to a thousand.
            assertClose(scores, got.tensor(), heads.scale() * tolerance(heads.size()), 2e-7);
            assertTrue(got.isUntouchedAround());

            INDArray probabilities = scores.dup('c');
            ORACLE.softmax(probabilities);
            INDArray mixed = Memory.WHOLE.empty(queries.shape());
            oracle.mix(probabilities, mixed, scratch);
            Place gotMixed = memory.next().place(queries.shape());
            tested.mix(memory.copy(probabilities), gotMixed.tensor(), scratch);
            // A mean of values, which are below 6.
            assertClose(mixed, gotMixed.tensor(), 6e-6);
            assertTrue(gotMixed.isUntouchedAround());

            INDArray whole = Memory.WHOLE.empty(queries.shape());
            oracle.attend(queries, causal, whole, scratch);
            assertClose(mixed, whole, 0);
            Place gotWhole = memory.next().next().place(queries.shape());
            tested.attend(queries, causal, gotWhole.tensor(), scratch);
            // A score that is off by e makes a probability, and so a mean, off by 2 e relative.
            double tolerance = 6e-6 + 6 * 2 * heads.scale() * tolerance(heads.size());
            assertClose(mixed, gotWhole.tensor(), tolerance);
            assertTrue(gotWhole.isUntouchedAround());
        }
        assertClose(before, queries, 0);
    }

    @Test
    void wrongSizesAreRefused() {
        Heads heads = new Heads(3, 5, 1);
        Stream.concat(Stream.of(ORACLE), fastKernels()).forEach(kernels -> {
            INDArray x = Memory.WHOLE.empty(2, 4, 15);
            try (KeyValueCache cache = kernels.cache(heads, 2);
                    Scratch scratch = new Scratch()) {
                cache.append(x, x);
                INDArray scores = Memory.WHOLE.empty(2, 3, 4, 4);
                for (INDArray wrong :
                        List.of(Memory.WHOLE.empty(1, 4, 15), Memory.WHOLE.empty(2, 4, 5), Memory.WHOLE.empty(8, 15))) {
                    refused(() -> cache.append(wrong, wrong));
                    refused(() -> cache.append(x, wrong));
                    refused(() -> cache.attend(wrong, false, wrong, scratch));
                    refused(() -> cache.attend(x, false, wrong, scratch));
                    refused(() -> cache.scores(wrong, false, scores, scratch));
                    refused(() -> cache.scores(x, false, wrong, scratch));
                    refused(() -> cache.mix(wrong, x, scratch));
                    refused(() -> cache.mix(scores, wrong, scratch));
                    refused(() -> kernels.keyValues(heads, x, wrong));
                }
                refused(() -> cache.reorder(new int[] {0, 2}));
                refused(() -> cache.reorder(new int[] {-1, 0}));
                assertEquals(2, cache.rows());
                assertEquals(4, cache.length());
            }
        });
    }

    private static void refused(Runnable wrong) {
        assertThrows(IllegalArgumentException.class, wrong::run);
    }

    @Test
    void oracleByHand() {
        float ln3 = (float) Math.log(3);
        // Head 0 has the scores ln 3 and 0, head 1 has 0 and ln 3, by a scale of one half.
        Heads heads = new Heads(2, 1, 0.5f);
        try (KeyValueCache cache = ORACLE.cache(heads, 1);
                Scratch scratch = new Scratch()) {
            cache.append(tensor(new long[] {1, 1, 2}, 1, 0), tensor(new long[] {1, 1, 2}, 4, 40));
            cache.append(tensor(new long[] {1, 1, 2}, 0, 1), tensor(new long[] {1, 1, 2}, 8, 80));
            INDArray queries = tensor(new long[] {1, 2, 2}, 2 * ln3, 2 * ln3, 2 * ln3, 2 * ln3);
            INDArray scores = Memory.WHOLE.empty(1, 2, 2, 2);
            cache.scores(queries, false, scores, scratch);
            assertClose(tensor(new long[] {1, 2, 2, 2}, ln3, 0, ln3, 0, 0, ln3, 0, ln3), scores, 1e-7);
            INDArray output = Memory.WHOLE.empty(1, 2, 2);
            cache.attend(queries, false, output, scratch);
            assertClose(tensor(new long[] {1, 2, 2}, 5, 70, 5, 70), output, 1e-5);
            // The first of two queries does not see the last of two keys.
            cache.attend(queries, true, output, scratch);
            assertClose(tensor(new long[] {1, 2, 2}, 4, 40, 5, 70), output, 1e-5);
            // One query sees all.
            INDArray one = Memory.WHOLE.empty(1, 1, 2);
            cache.attend(tensor(new long[] {1, 1, 2}, 2 * ln3, 2 * ln3), true, one, scratch);
            assertClose(tensor(new long[] {1, 1, 2}, 5, 70), one, 1e-5);
        }
    }

    @Test
    void oracleReordersByHand() {
        Heads heads = new Heads(1, 1, 1);
        try (KeyValueCache cache = ORACLE.cache(heads, 3);
                Scratch scratch = new Scratch()) {
            INDArray zeros = Memory.WHOLE.empty(3, 1, 1); // all keys count the same
            cache.append(zeros, tensor(new long[] {3, 1, 1}, 2, 4, 8));
            cache.reorder(new int[] {2, 0, 2});
            cache.append(zeros, tensor(new long[] {3, 1, 1}, 0, 0, 4));
            INDArray output = Memory.WHOLE.empty(3, 1, 1);
            cache.attend(zeros, false, output, scratch);
            assertClose(tensor(new long[] {3, 1, 1}, 4, 1, 6), output, 1e-6);
            cache.reorder(new int[] {1, 2});
            output = Memory.WHOLE.empty(2, 1, 1);
            cache.attend(Memory.WHOLE.empty(2, 1, 1), false, output, scratch);
            assertClose(tensor(new long[] {2, 1, 1}, 1, 6), output, 1e-6);
        }
        INDArray keys = Memory.WHOLE.empty(2, 1, 1);
        try (KeyValues keyValues = ORACLE.keyValues(heads, keys, tensor(new long[] {2, 1, 1}, 3, 5));
                Scratch scratch = new Scratch()) {
            keyValues.reorder(new int[] {1, 1, 0});
            INDArray output = Memory.WHOLE.empty(3, 1, 1);
            keyValues.attend(Memory.WHOLE.empty(3, 1, 1), true, output, scratch);
            assertClose(tensor(new long[] {3, 1, 1}, 5, 5, 3), output, 1e-6);
        }
    }
}
