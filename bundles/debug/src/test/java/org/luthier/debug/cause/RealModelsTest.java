package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.TokenModel;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.debug.NameGlob;
import org.luthier.debug.Reference;
import org.luthier.debug.TraceInput;
import org.luthier.debug.Tracer;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.model.mt3.Mt3Family;
import org.luthier.model.yourmt3.YourMt3Family;

/** The oracles on real models with their real weights: what layers tell of themselves, computed here in double, is what they make. */
class RealModelsTest {
    private static final Path ROOT = Path.of(System.getProperty("luthier.root"));
    /** Rounding of float32 over a thousand products, and of logarithms of what is nearly 0. */
    private static final double ROUNDING = 2e-5;

    static List<Computation> computations(Layer layer) {
        List<Computation> all = new ArrayList<>();
        layer.children().forEach(child -> all.addAll(computations(child)));
        all.addAll(layer.computations());
        return all;
    }

    static Model load(ModelFamily family, Path home, Weights weights) throws IOException {
        ModelDefinition definition = JsonMapper.builder()
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build()
                .readValue(home.resolve("model.json").toFile(), ModelDefinition.class);
        return family.load(definition, weights, new Execution("cpu", "cpu", 1));
    }

    private static void reproduces(ModelFamily family, Path home, Path weights, TraceInput input, int known)
            throws Exception {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(weights);
                Model model = load(
                        family,
                        home,
                        NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()))) {
            assertEquals(known, reproduced(family, checkpoint, model, input));
        }
    }

    /** Tensors that the oracles give as the model does; it is none that they give otherwise. */
    private static int reproduced(ModelFamily family, Checkpoint checkpoint, Model model, TraceInput input) {
        WeightSource source = WeightSource.of(NameRules.choose(family.nameRules(), checkpoint)
                .apply(checkpoint, family.id())
                .asCheckpoint());
        List<Computation> all = computations(model.root());
        Reference trace = new Tracer(model).trace(input, NameGlob.ALL, Cancellation.NONE);
        int reproduced = 0;
        for (Computation computation : all) {
            Rows rows = new Rows(trace, trace, computation.output());
            List<Field> inputs = new ArrayList<>();
            computation.inputs().forEach(name -> inputs.add(rows.trace(name)));
            AllRows others = rows.all(computation.output(), false, rows::allOfTrace);
            Operation operation = Operations.of(new Task(computation, inputs, source, all, others));
            if (operation == null) {
                continue;
            }
            Plane made = rows.trace(computation.output());
            Fit fit = Fit.of(operation.plain(), made, Places.of(made, made));
            // An expert that no vector of this row chose makes nothing.
            boolean idle = computation.operation().equals(Computation.EXPERT) && fit.count() == 0;
            assertTrue(idle || fit.isWithin(ROUNDING), computation.output() + ": " + fit);
            reproduced++;
        }
        return reproduced;
    }

    private static TraceInput noise(int samples) {
        Random random = new Random(3);
        float[] sound = new float[samples];
        for (int i = 0; i < samples; i++) {
            sound[i] = (float) (0.2 * random.nextGaussian() * Math.sin(i * 1e-4) + 0.3 * Math.sin(i * 0.05));
        }
        return new TraceInput.Samples(sound, List.of(0));
    }

    @Test
    void mt3() throws Exception {
        Path weights = ROOT.resolve("../shared/checkpoints/mt3");
        Assumptions.assumeTrue(Files.isDirectory(weights), "no checkpoint beside the working copy");
        reproduces(new Mt3Family(), ROOT.resolve("models/mt3"), weights, noise(40000), 322);
    }

    @Test
    void basicPitch() throws Exception {
        Path home = ROOT.resolve("models/basic-pitch");
        reproduces(new BasicPitchFamily(), home, home.resolve("basic-pitch.safetensors"), noise(43844), 11);
    }

    /** The small models of the reference: every option of the family. */
    @ParameterizedTest
    @CsvSource({
        "conformer_relative, 0",
        "conformer_rotary, 0",
        "moe_rope_multi, 0",
        "ptf_multi, 0",
        "ptf_opts_alibi_6heads, 0",
        "ptf_opts_alibit_gmlp_rms, 0",
        "ptf_opts_kdt_mlpproj, 0",
        "ptf_opts_rope_keys_hftt, 0",
        "ptf_opts_tk_res3bhftt_conv, 0",
        "ptf_single, 0",
        "t5_relpos_moe, 0",
        "ymt3plus_t5, 0"
    })
    void yourMt3(String variant, int unknown) {
        Path folder = ROOT.resolve("../shared/reference/yourmt3/variants").resolve(variant);
        Assumptions.assumeTrue(Files.isDirectory(folder), "no reference of YourMT3+ beside the working copy");
        YourMt3Family family = new YourMt3Family();
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(folder.resolve("model.ckpt"));
                Model model = family.load(
                        family.definition(checkpoint, folder.resolve("model.ckpt"))
                                .orElseThrow(),
                        NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()),
                        new Execution("cpu", "cpu", 1))) {
            int[][] ids = new int[((TokenModel) model).layout().channels()][];
            Arrays.setAll(ids, channel -> new int[] {0, 5, 9 + channel, 200, 31, 7});
            TraceInput input = new TraceInput.Forced(noise(32767), ids);
            int known = reproduced(family, checkpoint, model, input);
            assertEquals(computations(model.root()).size(), known + unknown);
        }
    }
}
