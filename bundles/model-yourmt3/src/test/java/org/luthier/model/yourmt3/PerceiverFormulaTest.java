package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.model.yourmt3.YourMt3Configuration.FeedForward;
import org.luthier.model.yourmt3.YourMt3Configuration.Nonlinearity;
import org.luthier.model.yourmt3.YourMt3Configuration.Perceiver;
import org.luthier.model.yourmt3.YourMt3Configuration.Positions;
import org.luthier.model.yourmt3.YourMt3Configuration.Rotation;
import org.luthier.nn.HostFloats;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Whole Perceivers, all options by turns, against their formulas in double: one vector after the other, as they are written on paper. */
class PerceiverFormulaTest {
    private static final int TIMES = 5;
    private static final int FREQUENCIES = 4;
    private static final int CHANNELS = 7;
    private static final int LATENTS = 3;
    private static final int WIDTH = 8;
    private static final int QUERIES = 24;
    private static final int VALUES = 12;

    /** Every option has each of its values with other values of the others; heads of attentions differ, and are no powers of two. */
    private static Perceiver sizes(int number) {
        boolean overChannels = number / 4 % 2 == 0;
        int crossHeads = new int[] {2, 4, 6}[number % 3];
        return new Perceiver(
                LATENTS,
                WIDTH,
                overChannels ? FREQUENCIES : CHANNELS,
                QUERIES,
                VALUES,
                new int[] {3, 2}[number / 2 % 2],
                crossHeads,
                2,
                1 + number % 2,
                1 + number / 2 % 2,
                overChannels,
                number % 2 == 0,
                number / 3 % 2 == 0,
                1e-5,
                FeedForward.values()[number / 2 % 3],
                Nonlinearity.values()[number % 3],
                10,
                5,
                1 + number % 3,
                Positions.values()[number % 8],
                Rotation.values()[number / 8 % 2],
                Rotation.values()[number / 16],
                Rotation.values()[(number + 1) / 8 % 2],
                number / 8 % 2 == 0,
                crossHeads == 6 ? crossHeads / 2 : crossHeads);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                28, 29, 30, 31
            })
    void everyVectorIsThatOfTheFormulas(int number) {
        Perceiver sizes = sizes(number);
        SeededWeights weights = new SeededWeights(-0.5f);
        float[] in = SeededWeights.numbers(new Random(number), 2 * TIMES * FREQUENCIES * CHANNELS);
        float[] got;
        try (PerceiverEncoder encoder = new PerceiverEncoder(
                        "x",
                        Kernels.named("cpu"),
                        weights,
                        sizes,
                        TIMES,
                        sizes.overChannels() ? CHANNELS : FREQUENCIES);
                Work work = new Work();
                INDArray x = Nd4j.create(in, new long[] {2, TIMES, FREQUENCIES, CHANNELS}, 'c');
                INDArray y = Nd4j.create(DataType.FLOAT, 2, TIMES, LATENTS, WIDTH)) {
            encoder.forward(x, y, work, Position.segments(0, 2), Probe.NONE);
            got = HostFloats.copy(y);
        }
        OnPaper paper = new OnPaper(sizes, new Formulas(weights));
        for (int row = 0; row < 2; row++) {
            double[][][] expected = paper.encoded(in, row);
            for (int i = 0; i < TIMES * LATENTS * WIDTH; i++) {
                double value = expected[i / WIDTH / LATENTS][i / WIDTH % LATENTS][i % WIDTH];
                assertTrue(Double.isFinite(value));
                // Float sums of some ten numbers, through two blocks.
                assertEquals(
                        value,
                        got[row * TIMES * LATENTS * WIDTH + i],
                        1e-4 * Math.max(1, Math.abs(value)),
                        sizes + " at " + i);
            }
        }
    }

    private record OnPaper(Perceiver sizes, Formulas formulas) {
        double[][][] encoded(float[] in, int row) {
            double[][][] h = new double[TIMES][LATENTS][WIDTH];
            for (int t = 0; t < TIMES; t++) {
                for (int k = 0; k < LATENTS; k++) {
                    for (int d = 0; d < WIDTH; d++) {
                        h[t][k][d] = formulas.weight("encoder.latents", k * WIDTH + d) + place(t, k, d);
                    }
                }
            }
            for (int l = 0; l < sizes.blocks(); l++) {
                String block = "encoder.block" + l;
                for (int t = 0; t < TIMES; t++) {
                    h[t] = attended(
                            h[t],
                            source(in, row, t),
                            block + ".spectral_cross_attention.query_norm",
                            block + ".spectral_cross_attention.source_norm",
                            block + ".spectral_cross_attention",
                            "spectral",
                            sizes.crossHeads(),
                            sizes.residual());
                    for (int i = 0; i < sizes.local(); i++) {
                        h[t] = transformed(h[t], block + ".local" + i, "local");
                    }
                }
                for (int k = 0; k < LATENTS; k++) {
                    double[][] series = new double[TIMES][];
                    for (int t = 0; t < TIMES; t++) {
                        series[t] = h[t][k].clone();
                        if (l == 0 && sizes.positions() == Positions.KDT) {
                            for (int d = 0; d < WIDTH; d++) {
                                series[t][d] += formulas.weight("encoder.temporal_position_embedding", t * WIDTH + d);
                            }
                        }
                    }
                    for (int i = 0; i < sizes.temporal(); i++) {
                        series = transformed(series, block + ".temporal" + i, "temporal");
                    }
                    for (int t = 0; t < TIMES; t++) {
                        h[t][k] = series[t];
                    }
                }
            }
            return h;
        }

        private double place(int t, int k, int d) {
            String table = "encoder.position_embedding";
            return switch (sizes.positions()) {
                case TKD -> formulas.weight(table, (t * LATENTS + k) * WIDTH + d);
                case TD -> formulas.weight(table, t * WIDTH + d);
                case TK -> formulas.weight(table, t * LATENTS + k);
                case KDT -> formulas.weight(table, k * WIDTH + d);
                default -> 0;
            };
        }

        /** Tokens are the channels and features the frequencies, or the other way round. */
        private double[][] source(float[] in, int row, int t) {
            boolean channels = sizes.overChannels();
            double[][] tokens = new double[channels ? CHANNELS : FREQUENCIES][channels ? FREQUENCIES : CHANNELS];
            for (int f = 0; f < FREQUENCIES; f++) {
                for (int c = 0; c < CHANNELS; c++) {
                    tokens[channels ? c : f][channels ? f : c] =
                            in[((row * TIMES + t) * FREQUENCIES + f) * CHANNELS + c];
                }
            }
            return tokens;
        }

        /** a = h + Attn(h); a + FF(LN(a)). */
        private double[][] transformed(double[][] h, String layer, String kind) {
            double[][] a = attended(
                    h, null, layer + ".pre_attention_norm", null, layer + ".attention", kind, sizes.selfHeads(), true);
            return Arrays.stream(a)
                    .map(vector -> Formulas.added(
                            vector, fed(layer + ".mlp", formulas.norm(layer + ".pre_mlp_norm", sizes.rms(), vector))))
                    .toArray(double[][]::new);
        }

        private double[] fed(String mlp, double[] x) {
            return switch (sizes.feedForward()) {
                case MLP -> formulas.linear(mlp + ".out", activated(formulas.linear(mlp + ".in", x)));
                case GMLP -> gated(mlp + ".wi_0", mlp + ".wi_1", mlp + ".wo", x);
                case MOE -> mixed(mlp, x);
            };
        }

        private double[] gated(String first, String second, String last, double[] x) {
            double[] inner = activated(formulas.linear(first, x));
            double[] up = formulas.linear(second, x);
            for (int i = 0; i < inner.length; i++) {
                inner[i] *= up[i];
            }
            return formulas.linear(last, inner);
        }

        /** Shares of all experts; of the largest ones, divided by their sum. */
        private double[] mixed(String mlp, double[] x) {
            double[] shares = softmax(formulas.linear(mlp + ".router", x));
            int[] chosen = IntStream.range(0, sizes.experts())
                    .boxed()
                    .sorted((a, b) -> Double.compare(shares[b], shares[a]))
                    .mapToInt(Integer::intValue)
                    .limit(sizes.chosen())
                    .toArray();
            double all = Arrays.stream(chosen).mapToDouble(e -> shares[e]).sum();
            double[] sum = new double[x.length];
            for (int e : chosen) {
                String expert = mlp + ".expert" + e;
                double[] made = gated(expert + ".gate", expert + ".up", expert + ".down", x);
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += shares[e] / all * made[i];
                }
            }
            return sum;
        }

        private double[] activated(double[] x) {
            return Formulas.activated(sizes.nonlinearity(), x);
        }

        private double[][] attended(
                double[][] h,
                double[][] u,
                String norm,
                String sourceNorm,
                String weights,
                String kind,
                int heads,
                boolean residual) {
            double[][] own = Arrays.stream(h)
                    .map(vector -> formulas.norm(norm, sizes.rms(), vector))
                    .toArray(double[][]::new);
            double[][] from = u == null
                    ? own
                    : Arrays.stream(u)
                            .map(vector -> formulas.norm(sourceNorm, sizes.rms(), vector))
                            .toArray(double[][]::new);
            double[][] q = projected(weights + ".q", own);
            double[][] k = projected(weights + ".k", from);
            double[][] v = projected(weights + ".v", from);
            if (sizes.positions() == Positions.ROPE) {
                rotate(q, kind, heads);
                if (sizes.rotateKeys()) {
                    rotate(k, kind, heads);
                }
            }
            int size = QUERIES / heads;
            int valueSize = VALUES / heads;
            double[][] result = new double[h.length][];
            for (int i = 0; i < h.length; i++) {
                double[] gathered = new double[VALUES];
                for (int head = 0; head < heads; head++) {
                    double[] scores = new double[k.length];
                    for (int j = 0; j < k.length; j++) {
                        for (int d = head * size; d < (head + 1) * size; d++) {
                            scores[j] += q[i][d] * k[j][d];
                        }
                        scores[j] -= slope(head, heads, weights) * Math.abs(j - (i + k.length - h.length));
                        scores[j] /= Math.sqrt(size);
                    }
                    double[] shares = softmax(scores);
                    for (int j = 0; j < k.length; j++) {
                        for (int d = head * valueSize; d < (head + 1) * valueSize; d++) {
                            gathered[d] += shares[j] * v[j][d];
                        }
                    }
                }
                double[] out = formulas.linear(weights + ".out", gathered);
                result[i] = residual ? Formulas.added(out, h[i]) : out;
            }
            return result;
        }

        private double[][] projected(String name, double[][] vectors) {
            return Arrays.stream(vectors)
                    .map(vector -> formulas.linear(name, vector))
                    .toArray(double[][]::new);
        }

        /** Of 3 and 6 heads: those of 2 and 4, then every other one of 4 and 8. */
        private double slope(int head, int heads, String weights) {
            return switch (sizes.positions()) {
                case ALIBI ->
                    switch (heads) {
                        case 2 -> new double[] {1 / 16.0, 1 / 256.0}[head];
                        case 3 -> new double[] {1 / 16.0, 1 / 256.0, 1 / 4.0}[head];
                        case 4 -> new double[] {1 / 4.0, 1 / 16.0, 1 / 64.0, 1 / 256.0}[head];
                        case 6 -> new double[] {1 / 4.0, 1 / 16.0, 1 / 64.0, 1 / 256.0, 1 / 2.0, 1 / 8.0}[head];
                        default -> throw new AssertionError(heads);
                    };
                case ALIBIT -> head == 0 ? 1 / (1 + Math.exp(-formulas.weight(weights + ".alibi.slopes", 0))) : 0;
                default -> 0;
            };
        }

        private void rotate(double[][] vectors, String kind, int heads) {
            float[] frequencies = formulas.weight("encoder.rotary_" + kind + ".frequencies");
            Rotation rotation = kind.equals("spectral")
                    ? sizes.spectralRotation()
                    : kind.equals("local") ? sizes.localRotation() : sizes.temporalRotation();
            for (int i = 0; i < vectors.length; i++) {
                double place = rotation == Rotation.PIXEL ? -1 + 2.0 * i / (vectors.length - 1) : i;
                for (int head = 0; head < heads; head++) {
                    for (int pair = 0; pair < frequencies.length; pair++) {
                        int at = head * (QUERIES / heads) + 2 * pair;
                        double a = vectors[i][at];
                        double b = vectors[i][at + 1];
                        double cos = Math.cos(place * frequencies[pair]);
                        double sin = Math.sin(place * frequencies[pair]);
                        vectors[i][at] = a * cos - b * sin;
                        vectors[i][at + 1] = a * sin + b * cos;
                    }
                }
            }
        }

        private static double[] softmax(double[] scores) {
            double most = Arrays.stream(scores).max().orElseThrow();
            double[] shares =
                    Arrays.stream(scores).map(score -> Math.exp(score - most)).toArray();
            double all = Arrays.stream(shares).sum();
            return Arrays.stream(shares).map(share -> share / all).toArray();
        }
    }
}
