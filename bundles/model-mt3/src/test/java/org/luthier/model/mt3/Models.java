package org.luthier.model.mt3;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;

/** Models as the workbench would load them. */
final class Models {
    static final Path ROOT = Path.of(System.getProperty("luthier.root"));

    private Models() {}

    /** The definition in a folder that has a model.json. */
    static ModelDefinition definition(Path folder) {
        try {
            ObjectMapper json = new ObjectMapper();
            JsonNode root = json.readTree(folder.resolve("model.json").toFile());
            return new ModelDefinition(
                    root.get("id").textValue(),
                    "",
                    root.get("family").textValue(),
                    "",
                    "",
                    "",
                    null,
                    json.convertValue(root.get("configuration"), new TypeReference<Map<String, Object>>() {}),
                    root.get("weights").textValue(),
                    List.of(),
                    "",
                    "",
                    folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Mt3Model load(ModelDefinition definition, Path weights, String kernels) {
        Mt3Family family = new Mt3Family();
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(weights)) {
            return (Mt3Model) family.load(
                    definition,
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()),
                    new Execution("cpu", kernels, 1));
        }
    }
}
