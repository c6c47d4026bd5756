package org.luthier.nn;

import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.tensor;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Every kernel against single computations of YourMT3+ by PyTorch in single precision. */
class MicroTest {
    /** Tiny inputs, where the epsilon counts. Bound: a few units in the last place of results up to 2.4. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void norms(String id) throws IOException {
        Micro micro = Micro.values();
        Kernels kernels = Kernels.named(id);
        INDArray x = tensor(new long[] {3, 8}, micro.floats("x"));
        INDArray scale = tensor(new long[] {8}, micro.floats("w"));
        INDArray y = Memory.WHOLE.empty(3, 8);
        kernels.layerNorm(x, scale, tensor(new long[] {8}, micro.floats("b")), 1e-5f, y);
        assertClose(tensor(new long[] {3, 8}, micro.floats("layer_norm_1e-5")), y, 1e-6);
        kernels.rmsNorm(x, scale, 1e-5f, y);
        assertClose(tensor(new long[] {3, 8}, micro.floats("perceiver_rms_1e-5")), y, 1e-6);
        kernels.rmsNorm(x, scale, 1e-6f, y);
        assertClose(tensor(new long[] {3, 8}, micro.floats("t5_rms_1e-6")), y, 1e-6);
    }

    /** From -4 to 4; the two GELUs are 4e-4 apart there. Bound: units in the last place of results up to 4. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void activations(String id) throws IOException {
        Micro micro = Micro.values();
        Map<String, Activation> activations =
                Map.of("gelu", Activation.GELU_ERF, "gelu_new", Activation.GELU_TANH, "silu", Activation.SILU);
        for (Map.Entry<String, Activation> each : activations.entrySet()) {
            INDArray x = tensor(new long[] {33}, micro.floats("act_x"));
            Kernels.named(id).activate(each.getValue(), x);
            assertClose(tensor(new long[] {33}, micro.floats(each.getKey())), x, 1e-6);
        }
    }

    /** Bound: angles of up to 16 in single precision there, in double here. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "nd4j", "cpu"})
    void rotations(String id) throws IOException {
        Micro micro = Micro.values();
        for (String key : List.of("pixel_partialTrue", "lang_partialTrue", "pixel_partialFalse", "lang_partialFalse")) {
            float[] frequencies = micro.floats(key, "freqs");
            int pairs = frequencies.length;
            float[] cosines = new float[5 * pairs];
            float[] sines = new float[5 * pairs];
            for (int i = 0; i < cosines.length; i++) {
                int at = i / pairs;
                double angle = frequencies[i % pairs] * (key.startsWith("pixel") ? at / 2.0 - 1 : at);
                cosines[i] = (float) Math.cos(angle);
                sines[i] = (float) Math.sin(angle);
            }
            INDArray x = tensor(new long[] {1, 5, 16}, micro.floats(key, "q"));
            Kernels.named(id)
                    .rotate(x, 1, false, tensor(new long[] {5, pairs}, cosines), tensor(new long[] {5, pairs}, sines));
            assertClose(tensor(new long[] {1, 5, 16}, micro.floats(key, "out")), x, 3e-6);
        }
    }
}
