package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.NameRules;
import org.luthier.workbench.Contradiction;

/** Finds out which model a checkpoint is of; where it is none's, which one it comes nearest to. */
final class FamilyStage {
    /** A checkpoint that has less than this share of what a model needs is not of that model. */
    private static final double AKIN = 0.5;

    private final Checkpoint checkpoint;
    private final Path path;
    private final List<ModelFamily> families;
    private final List<ModelDefinition> models;
    private final Execution execution;
    private final Notebook notes;

    /** @param families all there are */
    FamilyStage(
            Checkpoint checkpoint,
            Path path,
            List<ModelFamily> families,
            List<ModelDefinition> models,
            Execution execution,
            Notebook notes) {
        this.checkpoint = checkpoint;
        this.path = path;
        this.families = families;
        this.models = models;
        this.execution = execution;
        this.notes = notes;
    }

    /** How near a checkpoint comes to a model under some name rules. */
    private record Kinship(Examined examined, long met, long needed) {
        double share() {
            return needed == 0 ? 0 : (double) met / needed;
        }
    }

    /**
     * Decides.
     *
     * @param wanted what the user says it is, or null
     * @return nothing if it is of no model, which is then a finding
     */
    Optional<Examined> decide(ModelDefinition wanted) {
        notes.examine(Stage.FAMILY);
        List<ModelFamily> kin = families.stream()
                .filter(family -> family.recognises(checkpoint))
                .toList();
        if (wanted != null && kin.stream().noneMatch(family -> family.id().equals(wanted.family())) && !kin.isEmpty()) {
            notes.find(
                    Stage.FAMILY,
                    "it is a checkpoint of " + ids(kin) + ", not of " + wanted.id(),
                    "another file than was meant, or another --model",
                    "its names and sizes are those of family " + ids(kin) + "; model " + wanted.id() + " is of family "
                            + wanted.family(),
                    Notebook.command("checkpoint:doctor", path));
            return Optional.empty();
        }
        Optional<ModelDefinition> told;
        try {
            told = kin.stream()
                    .flatMap(family -> family.definition(checkpoint, path).stream())
                    .findFirst();
        } catch (LuthierException e) {
            notes.find(
                    Stage.FAMILY,
                    "what it says of itself is no model of family " + ids(kin),
                    "an argument of its training has been changed, or it is of another version of the model",
                    e.getMessage(),
                    Notebook.command("checkpoint:inspect", path));
            return Optional.empty();
        }
        if (wanted != null) {
            Optional<String> contradiction = told.filter(own -> !family(wanted).fits(wanted, checkpoint))
                    .flatMap(own -> Contradiction.between(own, wanted));
            if (contradiction.isPresent()) {
                notes.find(
                        Stage.FAMILY,
                        "it says itself that it is of another model than " + wanted.id(),
                        "another file than was meant, or another --model",
                        contradiction.get(),
                        Notebook.command("checkpoint:doctor", path));
                return Optional.empty();
            }
            return nearest(List.of(wanted), kin);
        }
        List<ModelDefinition> related = models.stream()
                .filter(model -> kin.stream().anyMatch(family -> family.id().equals(model.family())))
                .toList();
        List<ModelDefinition> fitting = related.stream()
                .filter(model -> family(model).fits(model, checkpoint))
                .toList();
        if (fitting.size() > 1) {
            notes.remark("several models have such weights: " + names(fitting) + "; it is taken for "
                    + fitting.get(0).id() + ", say with --model if it is another");
        }
        if (!fitting.isEmpty()) {
            return nearest(fitting.subList(0, 1), kin);
        }
        if (told.isPresent()) {
            notes.remark("no model in the model folders fits it; it is taken for what it says itself: "
                    + told.get().title());
            return nearest(List.of(told.get()), kin);
        }
        if (!kin.isEmpty() && related.isEmpty()) {
            notes.remark("no model in the model folders is of family " + ids(kin)
                    + ": its names and values are looked at, it cannot be run");
            return rules(kin.get(0)).stream()
                    .findFirst()
                    .map(rules -> new Examined(checkpoint, kin.get(0), null, rules));
        }
        return nearest(related.isEmpty() ? models : related, kin);
    }

    private Optional<Examined> nearest(List<ModelDefinition> candidates, List<ModelFamily> kin) {
        Kinship best = null;
        for (ModelDefinition model : candidates) {
            if (families.stream().noneMatch(family -> family.id().equals(model.family()))) {
                continue;
            }
            List<NameRules> rules = rules(family(model));
            if (candidates.size() == 1 && kin.contains(family(model)) && rules.size() == 1) {
                return Optional.of(new Examined(checkpoint, family(model), model, rules.get(0)));
            }
            Needs needs = Needs.of(family(model), model, execution);
            for (NameRules each : rules) {
                Examined examined = new Examined(checkpoint, family(model), model, each);
                Kinship kinship = new Kinship(
                        examined, needs.met(examined.tensors()), needs.shapes().size());
                if (best == null || kinship.share() > best.share()) {
                    best = kinship;
                }
            }
        }
        if (best == null || kin.isEmpty() && best.share() < AKIN) {
            notes.find(
                    Stage.FAMILY,
                    "it is of no model family that is installed",
                    "it is of another network, or its tensors have names that no rules know",
                    checkpoint.tensors().size() + " tensors such as "
                            + Notebook.some(List.copyOf(checkpoint.tensors().keySet()))
                            + (best == null
                                    ? ""
                                    : "; of the " + best.needed() + " weights of "
                                            + best.examined().definition().id() + ", which it comes nearest to, it has "
                                            + best.met()),
                    Notebook.command("checkpoint:inspect", path));
            return Optional.empty();
        }
        return Optional.of(best.examined());
    }

    /** The first rules that match; all where none do. */
    private List<NameRules> rules(ModelFamily family) {
        List<NameRules> all = family.nameRules().stream().map(NameRules::read).toList();
        return all.stream()
                .filter(rules -> rules.matches(checkpoint))
                .findFirst()
                .map(List::of)
                .orElse(all);
    }

    private ModelFamily family(ModelDefinition model) {
        return families.stream()
                .filter(family -> family.id().equals(model.family()))
                .findFirst()
                .orElseThrow();
    }

    private static String ids(List<ModelFamily> families) {
        return families.stream().map(ModelFamily::id).collect(Collectors.joining(" or "));
    }

    private static String names(List<ModelDefinition> models) {
        return models.stream().map(ModelDefinition::id).collect(Collectors.joining(", "));
    }
}
