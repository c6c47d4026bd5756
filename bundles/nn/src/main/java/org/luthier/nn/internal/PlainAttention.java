package org.luthier.nn.internal;

import org.luthier.nn.Heads;
import org.luthier.nn.HostFloats;
import org.luthier.nn.KeyValues;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Attention in Java loops with double sums. */
abstract class PlainAttention implements KeyValues {
    private final Heads heads;

    PlainAttention(Heads heads) {
        this.heads = heads;
    }

    /** [rows][length][width]. */
    abstract float[][][] keys();

    /** [rows][length][width]. */
    abstract float[][][] values();

    @Override
    public Heads heads() {
        return heads;
    }

    @Override
    public void attend(INDArray queries, INDArray bias, boolean causal, INDArray output, Scratch scratch) {
        try (INDArray scores = Nd4j.create(DataType.FLOAT, rows(), heads.count(), queries.size(1), length())) {
            scores(queries, bias, causal, scores, scratch);
            new PlainKernels().softmax(scores);
            mix(scores, output, scratch);
        }
    }

    @Override
    public void scores(INDArray queries, INDArray bias, boolean causal, INDArray scores, Scratch scratch) {
        Shapes.check("queries", queries, rows(), -1, heads.width());
        int n = (int) queries.size(1);
        Shapes.check("scores", scores, rows(), heads.count(), n, length());
        Shapes.bias(bias, scores);
        float[][][] keys = keys();
        float[] added = bias == null ? null : HostFloats.copy(bias);
        float[] in = HostFloats.copy(queries);
        float[] out = new float[(int) scores.length()];
        int next = 0;
        for (int row = 0; row < rows(); row++) {
            for (int head = 0; head < heads.count(); head++) {
                for (int query = 0; query < n; query++) {
                    for (int key = 0; key < length(); key++) {
                        double sum = 0;
                        for (int j = head * heads.size(); j < (head + 1) * heads.size(); j++) {
                            sum += (double) in[(row * n + query) * heads.width() + j] * keys[row][key][j];
                        }
                        double more = added == null ? 0 : added[(head * n + query) * length() + key];
                        boolean visible = !causal || key < length() - n + query + 1;
                        out[next++] = (float) (sum * heads.scale() + more + (visible ? 0 : MASKED));
                    }
                }
            }
        }
        HostFloats.write(out, scores);
    }

    @Override
    public void mix(INDArray probabilities, INDArray output, Scratch scratch) {
        Shapes.check("probabilities", probabilities, rows(), heads.count(), -1, length());
        int n = (int) probabilities.size(2);
        Shapes.check("output of attention", output, rows(), n, heads.valueWidth());
        float[][][] values = values();
        float[] in = HostFloats.copy(probabilities);
        float[] out = new float[(int) output.length()];
        int next = 0;
        for (int row = 0; row < rows(); row++) {
            for (int query = 0; query < n; query++) {
                for (int column = 0; column < heads.valueWidth(); column++) {
                    int head = column / heads.valueSize();
                    double sum = 0;
                    for (int key = 0; key < length(); key++) {
                        sum += (double) in[((row * heads.count() + head) * n + query) * length() + key]
                                * values[row][key][column];
                    }
                    out[next++] = (float) sum;
                }
            }
        }
        HostFloats.write(out, output);
    }

    @Override
    public void close() {}
}
