// `node train.js FILE`: train content-based-recommender on what FILE holds, a JSON list
// of {id, content}; ask it once, and print how many answers it has.

const { readFileSync } = require("node:fs");
const ContentBasedRecommender = require("content-based-recommender");

const documents = JSON.parse(readFileSync(process.argv[2], "utf8"));
const recommender = new ContentBasedRecommender({ maxSimilarDocuments: 10 });
recommender.train(documents);
console.log(recommender.getSimilarDocuments(documents[0].id, 0, 10).length);
