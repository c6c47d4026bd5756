package org.luthier.model.yourmt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;

/** The models that the reference's small checkpoints describe. */
class DescribedTest {
    private final YourMt3Family family = new YourMt3Family();

    static Stream<Path> checkpoints() {
        return Variant.all()
                .map(name -> Variant.reference("variants").resolve(name).resolve("model.ckpt"));
    }

    @ParameterizedTest
    @MethodSource("checkpoints")
    void aDefinitionHoldsAllThatTheCheckpointTells(Path path) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
            ModelDefinition definition = family.definition(checkpoint, path).orElseThrow();
            YourMt3Configuration told = YourMt3Configuration.of(checkpoint.metadata());
            assertEquals(told, YourMt3Configuration.of(definition));
            assertEquals(told.task(), definition.tokenizer());
            assertEquals(path.toAbsolutePath(), definition.weightsPath());
            assertTrue(family.fits(definition, checkpoint));
            assertTrue(new Outline(told).agrees(checkpoint.tensors()));
        }
    }

    /** No model takes the checkpoint of another, be it by its arguments or by its tensors. */
    @ParameterizedTest
    @MethodSource("checkpoints")
    void everyOtherModelIsToldFromIt(Path path) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
            for (Path other : checkpoints().filter(each -> !each.equals(path)).toList()) {
                try (Checkpoint foreign = Checkpoints.builtIn().open(other)) {
                    ModelDefinition definition =
                            family.definition(foreign, other).orElseThrow();
                    assertFalse(family.fits(definition, checkpoint), other.toString());
                    assertFalse(
                            new Outline(YourMt3Configuration.of(definition)).agrees(checkpoint.tensors()),
                            other.toString());
                }
            }
        }
    }

    @Test
    void anArgumentTooManyOrTooFewIsNamed() {
        Path path = checkpoints().findFirst().orElseThrow();
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
            ModelDefinition definition = family.definition(checkpoint, path).orElseThrow();
            Map<String, String> arguments = ArgumentTree.flat(definition.configuration());
            assertEquals(definition.configuration(), ArgumentTree.of(arguments));
            Map<String, String> more = new LinkedHashMap<>(arguments);
            more.put("hyper_parameters.model_cfg.moe", "8");
            assertRefused(with(definition, more), "hyper_parameters.model_cfg.moe: unknown argument");
            Map<String, String> less = new LinkedHashMap<>(arguments);
            less.remove("hyper_parameters.model_cfg.tie_word_embeddings");
            assertRefused(
                    with(definition, less),
                    "hyper_parameters.model_cfg.tie_word_embeddings: expected a value, got nothing");
        }
    }

    private static void assertRefused(ModelDefinition definition, String why) {
        String message = assertThrows(LuthierException.class, () -> YourMt3Configuration.of(definition))
                .getMessage();
        assertTrue(message.startsWith("model yourmt3: configuration: " + why), message);
    }

    private static ModelDefinition with(ModelDefinition definition, Map<String, String> arguments) {
        return new ModelDefinition(
                definition.id(),
                definition.title(),
                definition.family(),
                definition.tokenizer(),
                definition.decoder(),
                definition.assembler(),
                definition.midiWriter(),
                ArgumentTree.of(arguments),
                definition.weights(),
                List.of(),
                definition.licence(),
                Optional.ofNullable(definition.citation()).orElse(null),
                definition.folder());
    }
}
