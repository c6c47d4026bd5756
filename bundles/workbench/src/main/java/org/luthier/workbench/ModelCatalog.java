package org.luthier.workbench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.files.Reason;

/** The models that can be run: the {@code model.json} files in some folders. Read anew each time, so that a new model is seen at once. */
public final class ModelCatalog {
    private final List<Path> folders;

    /** @param folders folders of models; the first one that has an id wins. They may be inside a zip file system, or missing */
    public ModelCatalog(List<Path> folders) {
        this.folders = List.copyOf(folders);
    }

    /**
     * A model.json that was found.
     *
     * @param id name of its folder
     * @param folder its folder
     * @param definition what it says, or null if it is broken
     * @param trouble one line on what is wrong with it, or null if nothing is
     */
    public record Item(String id, Path folder, ModelDefinition definition, String trouble) {}

    /** Every model, broken ones too, sorted by id. */
    public List<Item> items() {
        Map<String, Item> items = new TreeMap<>();
        for (Path folder : folders) {
            for (Path model : modelsIn(folder)) {
                items.computeIfAbsent(ModelJson.nameOf(model), id -> read(id, model));
            }
        }
        return List.copyOf(items.values());
    }

    /** Every model that can be read, sorted by id. */
    public List<ModelDefinition> models() {
        return items().stream().map(Item::definition).filter(Objects::nonNull).toList();
    }

    /**
     * One model.
     *
     * @throws LuthierException if there is none of that id, with those there are, or if it is broken
     */
    public ModelDefinition get(String id) {
        List<Item> items = items();
        for (Item item : items) {
            if (item.id().equals(id)) {
                if (item.definition() == null) {
                    throw new LuthierException(item.trouble());
                }
                return item.definition();
            }
        }
        throw new LuthierException("no model '" + id + "'; "
                + (items.isEmpty()
                        ? "there is none in " + folders
                        : "there are: "
                                + String.join(", ", items.stream().map(Item::id).toList())));
    }

    /**
     * Where the weights of a model are: beside its model.json, or in the folder of its id in another of the folders. Where they are nowhere,
     * where to put them: in the first of the folders.
     */
    public Path weights(ModelDefinition definition) {
        Path beside = definition.weightsPath();
        if (Files.exists(beside) || folders.isEmpty()) {
            return beside;
        }
        List<Path> places = folders.stream()
                .map(folder -> folder.resolve(definition.id()).resolve(definition.weights()))
                .toList();
        return places.stream().filter(Files::exists).findFirst().orElse(places.get(0));
    }

    private static List<Path> modelsIn(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(child -> Files.exists(child.resolve(ModelJson.NAME)))
                    .toList();
        } catch (IOException e) {
            throw new LuthierException("cannot list the models in " + folder + ": " + Reason.of(e), e);
        }
    }

    private static Item read(String id, Path folder) {
        try {
            return new Item(id, folder, ModelJson.read(folder), null);
        } catch (LuthierException e) {
            return new Item(id, folder, null, e.getMessage());
        }
    }
}
