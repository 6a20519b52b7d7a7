"""Every topic by name: what evidence says of it, or who must say it."""

from __future__ import annotations

from overread.regulatory.topics import data, model, purpose, results, truth
from overread.regulatory.topics.topic import Topic

LEAD, DATA, CLINICAL, STATISTICS, QUALITY, SPONSOR = (
    "principal investigator",
    "data manager",
    "clinical lead",
    "statistician",
    "quality and regulatory lead",
    "sponsor",
)

TOPICS: dict[str, Topic] = {
    # What the work is for.
    "naming": Topic("a title that names it an AI study with its method and measure", LEAD, purpose.naming),
    "summary": Topic("a structured abstract", LEAD, purpose.summary),
    "intended_use": Topic(
        "for which patients, images and purpose it is meant", CLINICAL, purpose.intended_use
    ),
    "intended_user": Topic("who is meant to use it, with which skill and training", CLINICAL),
    "background": Topic("why it is needed, and where in care its output would be used", CLINICAL),
    "goals": Topic("goals and hypotheses", STATISTICS, purpose.goals),
    "kind": Topic("what kind of study it is", LEAD, purpose.kind),
    "timing": Topic(
        "whether data were collected before or after the study was planned", LEAD, purpose.timing
    ),
    "protocol_access": Topic("where the protocol is", LEAD, purpose.protocol_access),
    # The data.
    "sources": Topic(
        "institutions or public sets, dates, licence, overlap with earlier work", DATA, data.sources
    ),
    "setting": Topic("where (kind and number of centres) and when patients were seen", DATA),
    "identification": Topic("on what ground possible participants were found", CLINICAL),
    "sampling": Topic("whether patients were consecutive, random or picked", DATA),
    "eligibility": Topic("criteria in the order used, and numbers left out by each", DATA, data.eligibility),
    "preprocessing": Topic("every change made to the images", DATA, data.preprocessing),
    "parts_used": Topic("which parts of the images were used", DATA, data.parts_used),
    "deidentification": Topic("how patient identity was removed", DATA, data.deidentification),
    "missing_data": Topic(
        "what was done about missing inputs, labels and answers", STATISTICS, data.missing_data
    ),
    "acquisition": Topic("scanners, software and protocols of acquisition", DATA, data.acquisition),
    "characteristics": Topic("demographic and clinical make-up of every part", DATA, data.characteristics),
    "severity": Topic("spectrum of disease among those who have it", CLINICAL),
    "alternatives": Topic("other diagnoses among those who do not have it", CLINICAL),
    "treatments": Topic("treatments that patients had, and how these were handled", CLINICAL),
    "interval": Topic("time and treatment between image and reference standard", CLINICAL),
    "population": Topic("how the patients resemble those meant to be served", CLINICAL, data.population),
    "flow": Topic("counts in and out, with reasons", DATA, data.flow),
    "assignment": Topic("how cases went into training, tuning and test", DATA, data.assignment),
    "disjoint": Topic("the level at which parts do not overlap", DATA, data.disjoint),
    "sample_size": Topic(
        "the planned size of the test and how it was worked out", STATISTICS, data.sample_size
    ),
    # The reference standard.
    "reference_standard": Topic("exactly how the truth was made", CLINICAL, truth.reference_standard),
    "reference_rationale": Topic("why this reference, and its known weaknesses", CLINICAL),
    "reference_cutoffs": Topic(
        "categories of the reference, and whether they were fixed beforehand", CLINICAL
    ),
    "annotators": Topic("who labelled, how many, with which training and tools", DATA, truth.annotators),
    "test_labels": Topic("how the test cases in particular were labelled", DATA, truth.annotators),
    "agreement": Topic("agreement of readers, and how conflicts were settled", STATISTICS, truth.agreement),
    "blinding_index": Topic("what the model could see of the truth", LEAD, truth.blinding_index),
    "blinding_reference": Topic("what those who set the truth could see of the model's answers", DATA),
    # The model.
    "model": Topic("inputs, outputs, layers, thresholds", LEAD, model.model),
    "thresholds": Topic("cut-offs, fixed beforehand or explored", STATISTICS, model.thresholds),
    "software": Topic("libraries, versions, hardware", LEAD, model.software),
    "initialisation": Topic("what the weights started from", LEAD, model.initialisation),
    "training": Topic("augmentation, schedule, settings, stop rule", LEAD, model.training),
    "selection": Topic("the rule that picked the final model", LEAD, model.selection),
    "ensembling": Topic("how models were combined", LEAD, model.ensembling),
    "imbalance": Topic("what was done about rare classes", LEAD, model.imbalance),
    "prediction_code": Topic("what computed the predictions", LEAD, model.prediction_code),
    "bad_input": Topic("how poor or missing input is met", LEAD, model.bad_input),
    "updating": Topic("whether the model was changed after the evaluation", LEAD, model.updating),
    "inputs_chosen": Topic("why these inputs", CLINICAL, lambda run: model.model(run)),
    # How it was measured, and what came out.
    "metrics": Topic("which measures, and why", STATISTICS, results.metrics),
    "uncertainty": Topic("intervals, tests, multiplicity, clustering", STATISTICS, results.uncertainty),
    "robustness": Topic("stress tests and sensitivity analyses", STATISTICS, results.robustness),
    "explanations": Topic("how outputs are explained, and how that was checked", LEAD, results.explanations),
    "internal_test": Topic(
        "performance on held-out patients of the same source", STATISTICS, results.internal_test
    ),
    "external_test": Topic("performance on patients of other origin", STATISTICS, results.external_test),
    "external_differences": Topic("how external data differ from those of development", DATA),
    "accuracy": Topic("estimates with intervals", STATISTICS, results.accuracy),
    "comparator": Topic(
        "performance of a comparator (readers, earlier test) on the same patients", STATISTICS
    ),
    "partition_results": Topic("performance by part", STATISTICS, results.partition_results),
    "cross_table": Topic("counts of true against answered", STATISTICS, results.cross_table),
    "subgroups": Topic("results by group", STATISTICS, results.subgroups),
    "by_site": Topic("results by site", STATISTICS, results.by_site),
    "fairness": Topic("differences between groups and what they mean", CLINICAL, results.fairness),
    "failures": Topic("wrong cases and patterns in them", CLINICAL, results.failures),
    "limitations": Topic("weaknesses, bias, what the numbers do not show", LEAD, results.limitations),
    "audit": Topic("whether answers are kept and can be audited", QUALITY, results.audit),
    "changes": Topic("changes during the study, why and when", LEAD, results.changes),
    # What only people know.
    "practice": Topic("what it means in care, and the role meant for it", CLINICAL),
    "interpretation": Topic("an overall reading of the results", LEAD),
    "next_steps": Topic("next steps for research and use", LEAD),
    "user_interaction": Topic("what users must do and know", CLINICAL),
    "workflow": Topic("where and how it runs in the workflow, and what changed there", CLINICAL),
    "usage": Topic("how often it was used, and how users agreed with it or overrode it", CLINICAL),
    "recruitment": Topic("how patients and users were recruited and trained", CLINICAL),
    "human_factors": Topic("usability: users, use cases, tools, learning curve", CLINICAL),
    "safety": Topic("how errors and harm are defined and found", QUALITY),
    "harms": Topic("adverse events from the model's answers or the reference standard", QUALITY),
    "safety_meaning": Topic("what the results mean for safety", QUALITY),
    "monitoring": Topic(
        "how performance is watched in use, and who acts on an alarm", QUALITY, results.monitoring
    ),
    "expertise": Topic("which disciplines took part over the life cycle", LEAD),
    "engineering": Topic("practice of software engineering and security", QUALITY, model.software),
    "team_performance": Topic("performance of people together with the model", CLINICAL),
    "inequalities": Topic("known inequalities of health between groups", CLINICAL),
    "ethics": Topic("approval by an ethics board, consent, or why not needed", LEAD),
    "ethics_of_use": Topic("ethical issues of its use", CLINICAL),
    "registration": Topic("registry and number, or that there is none", LEAD),
    "availability": Topic(
        "whether code, weights and data can be had, on which terms", LEAD, model.availability
    ),
    "funding": Topic("who paid, and their part in the work", SPONSOR),
    "conflicts": Topic("interests of the authors and commercial ties", SPONSOR),
    "involvement": Topic("how patients and the public took part, or that they did not", LEAD),
}
